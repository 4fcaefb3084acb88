import io

import pytest
from custodian.vasp.handlers import StdErrHandler, VaspErrorHandler

from ionface.workflows.engines.vasp_double.messages import MESSAGES, CrashError

KNOWN = {**VaspErrorHandler.error_msgs, **StdErrHandler.error_msgs}


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_custodian_knows_each_message_by_its_name(name):
    message = MESSAGES[name]
    assert any(pattern in message.text for pattern in KNOWN[name])
    console, errors = io.StringIO(), io.StringIO()
    if message.fatal:
        with pytest.raises(CrashError):
            message.strike(console, errors)
    else:
        message.strike(console, errors)
    expected, other = (errors, console) if message.on_stderr else (console, errors)
    assert message.text in expected.getvalue()
    assert not other.getvalue()
