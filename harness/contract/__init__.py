"""What every store must do, as classes of tests: derive one, and give it the fixture it asks for."""

import pytest

pytest.register_assert_rewrite("harness.contract.books")
