"""`templates`: fragments of apps, which `extends` puts under an app. What the app says itself wins.

A mapping of variables is merged variable by variable; a rule is replaced as a whole, so that an app can drop
one by `severity: off`. Everything else is replaced.
"""

from __future__ import annotations

from envcheck.spec.document import Mapping, Node, Scalar
from envcheck.spec.fault import Fault, quoted
from envcheck.spec.fields import meant, texts

MERGED = ("env", "env_patterns")


def extended(root: Node) -> Node:
    """Give the document with the templates put under the apps that name them."""
    if not isinstance(root, Mapping):
        return root
    given = {key.text: node for key, node in root.items}
    found = given.get("templates")
    templates = {key.text: node for key, node in found.items} if isinstance(found, Mapping) else {}
    items = tuple((key, _apps(node, templates) if key.text == "apps" else node) for key, node in root.items)
    return root._replace(items=items)


def _apps(node: Node, templates: dict[str, Node]) -> Node:
    if not isinstance(node, Mapping):
        return node
    return node._replace(items=tuple((name, _body(body, templates)) for name, body in node.items))


def _body(body: Node, templates: dict[str, Node]) -> Node:
    if not isinstance(body, Mapping):
        return body
    own = body._replace(items=tuple((k, n) for k, n in body.items if k.text != "extends"))
    named = next((node for key, node in body.items if key.text == "extends"), None)
    under = Mapping((), body.line)
    for name in texts(named) if named is not None else ():
        template = templates.get(name)
        if not isinstance(template, Mapping):
            line = named.line if named else body.line
            raise Fault(line, f"there is no template {quoted(name)}{meant(name, templates)}")
        under = _merged(under, template)
    return _merged(under, own)


def _merged(under: Mapping, over: Mapping) -> Mapping:
    items: dict[str, tuple[Scalar, Node]] = {key.text: (key, node) for key, node in under.items}
    for key, node in over.items:
        below = items.get(key.text)
        if key.text in MERGED and below and isinstance(below[1], Mapping) and isinstance(node, Mapping):
            items[key.text] = (key, _merged(below[1], node))
        else:
            items[key.text] = (key, node)
    return over._replace(items=tuple(items.values()))
