"""What no server should answer, on demand: the mock site (`tests.support.mock_site`) puts it on the wire."""
