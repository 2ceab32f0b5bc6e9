"""The variables a job was given: they are the job's, and none of its sandbox."""

from __future__ import annotations

import json

from agent_process import AgentProcess
from fake_site import FakeSite


def test_a_variable_that_breaks_programs_breaks_the_job_and_not_its_sandbox(
    site: FakeSite, agent: AgentProcess
) -> None:
    """What the agent refuses is refunded: else a job could have the rest of its slot back at will."""
    for variables in ({"LD_PRELOAD": "/none"}, {"LD_TRACE_LOADED_OBJECTS": "1"}, {"OPTIND": "x", "UID": "0"}):
        lease = site.offer(site.payload("echo on", specification={"environment": variables}))
        ended = site.ended(lease)
        assert (ended["reason"], ended["exit_code"], ended["note"]) == ("finished", 0, "")
        assert site.log(lease) != ""


def test_variables_arrive_as_they_were_given_and_no_others(site: FakeSite, agent: AgentProcess) -> None:
    given = {"A": "1\n2  'x' \"$B\" `id` \\", "__0": "mine", "PATH": "/usr/bin:/bin", "B": ""}
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    script = f"exec /usr/bin/python3 -c '{show}'"
    lease = site.offer(site.payload(script, specification={"environment": given}))
    site.ended(lease)
    seen = json.loads(site.log(lease))
    usual = {"HOME", "LANG", "PWD", "PYTHONUNBUFFERED", "TMPDIR", "USER"}
    assert {name: seen[name] for name in given} == given
    assert set(seen) - set(given) - {"OLDPWD", "SHLVL", "_"} == usual
