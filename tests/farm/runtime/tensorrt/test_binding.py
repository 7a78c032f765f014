from __future__ import annotations

import pytest

from farm.protocol.errors import Unsupported
from farm.runtime.tensorrt.binding import binding


def test_a_binding_that_is_not_there_is_told_in_one_sentence() -> None:
    with pytest.raises(Unsupported, match="tensorrt_of_tomorrow cannot be imported here: No module named") as caught:
        binding("tensorrt_of_tomorrow")
    assert "farm doctor" in caught.value.hint
