"""The order of the tests."""

LONGEST = "tests/methods/test_reference.py"


def pytest_collection_modifyitems(items):
    """Begin with the file that takes longest: of two processes neither is left alone with it at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))
