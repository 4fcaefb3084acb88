"""The one exception that means: the user can mend this, and the message says how."""

from __future__ import annotations


class IonfaceError(Exception):
    """A failure that a user caused or can cure; shown without a traceback.

    The message names the rule, the value and the way out.
    """
