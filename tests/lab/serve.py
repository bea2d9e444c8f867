"""Starts MiniStack on a free port and prints that port as the first line.

MiniStack's own command takes a port number that may be lost to another
process before it is bound. Here the socket listens before anything else
happens, so a client may connect at once and is answered when MiniStack is up.
"""

import asyncio
import os
import socket

listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
# Accepted connections inherit it; without it every answer may wait 40 ms.
listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
port = listener.getsockname()[1]
# MiniStack reads it while it is imported: response URLs and caches carry it.
os.environ["GATEWAY_PORT"] = str(port)
print(port, flush=True)
os.dup2(2, 1)

from hypercorn.asyncio import serve  # noqa: E402
from hypercorn.config import Config  # noqa: E402
from ministack.app import app  # noqa: E402

# A lab may shorten the minutes that schedules are counted in, so that nobody has to sit through
# real ones; what is fired, and in which order, stays MiniStack's.
minute = float(os.environ.get("LAB_MINUTE_SECONDS", "60"))
if minute != 60:
    from ministack.services import eventbridge

    seconds_of = eventbridge._parse_rate_seconds
    eventbridge._parse_rate_seconds = lambda rate: (
        seconds and seconds * minute / 60 if (seconds := seconds_of(rate)) else seconds
    )
    eventbridge._SCHEDULER_TICK_INTERVAL = minute / 20



def tell_of_cleanups():
    """Lets stack events tell of what an update deletes after it: a predecessor, or a resource that
    left the template. MiniStack deletes them in silence, while the stack is UPDATE_IN_PROGRESS; on
    AWS it is UPDATE_COMPLETE_CLEANUP_IN_PROGRESS then, and each has its DELETE_ events."""
    from ministack.services.cloudformation import _stack_events, _stacks, custom_resource, stacks

    invoke = custom_resource.invoke_custom_resource

    def invoke_and_tell(
        kind, logical_id, props, stack_name, stack_id, resource_type, physical_id=None, old_props=None
    ):
        def tell(status):
            stacks._add_event(
                stack_id, stack_name, logical_id, resource_type, status, physical_id=physical_id
            )

        told = [e for e in _stack_events.get(stack_id, []) if e["LogicalResourceId"] == logical_id]
        is_cleanup = kind == "Delete" and told and told[-1]["ResourceStatus"] != "DELETE_IN_PROGRESS"
        if is_cleanup:
            if _stacks[stack_name]["StackStatus"] == "UPDATE_IN_PROGRESS":
                _stacks[stack_name]["StackStatus"] = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
            tell("DELETE_IN_PROGRESS")
        done = invoke(
            kind, logical_id, props, stack_name, stack_id, resource_type, physical_id, old_props
        )
        if is_cleanup:
            tell("DELETE_COMPLETE")
        return done

    custom_resource.invoke_custom_resource = invoke_and_tell


tell_of_cleanups()

config = Config()
config.bind = [f"fd://{listener.detach()}"]
config.keep_alive_timeout = 75
asyncio.run(serve(app, config))
