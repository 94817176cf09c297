import pytest

import spec


@pytest.fixture(scope="session")
def echo():
    program = spec.Echo()
    yield program
    program.close()
