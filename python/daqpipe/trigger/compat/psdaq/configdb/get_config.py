"""Configuration of the trigger, as scripts ask for it."""

import json
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

from daqpipe.trigger.conversation import opened

__all__ = ["get_config"]
_LIMIT_S = 10


def get_config(connect_json: str, cfgtype: str, detname: str, detsegm: int) -> Any:
    """
    The trigger body that teb-decide was configured with; without one, what the configuration database says.

    :raises OSError: if the database does not answer
    :raises KeyError: if the connect information names no database
    """
    session = opened()
    if session is not None and session.body:
        return session.body
    control = json.loads(connect_json)["body"]["control"]["0"]["control_info"]
    parts = [control["instrument"], "get_configuration", cfgtype, "%s_%s" % (detname, detsegm)]
    url = "%s/%s/" % (control["cfg_dbase"].rstrip("/"), "/".join(quote(str(part)) for part in parts))
    with urlopen(url, timeout=_LIMIT_S) as answer:
        found = json.load(answer)
    if "success" not in found:
        return found
    if not found["success"]:
        raise OSError("%s: %s" % (url, found.get("msg", "refused")))
    return found["value"]
