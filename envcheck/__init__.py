"""Does the running server have the environment it should have - and if not, which restart is sufficient?"""
