"""What moto lacks for the deployed template to be created as it stands, one subject a file.

These are moto's private interfaces: pyproject.toml pins its version, and tests/integration/local_stack holds a
contract test for each patch, which fails where a new version of moto changes what was patched.
"""

from functools import cache

from infra.local.moto_extensions import buckets, events, functions, objects, queues, resources, state_machines, tables


@cache
def install() -> None:
    """Patch moto in this process, once."""
    buckets.install()
    events.install()
    functions.install()
    objects.install()
    queues.install()
    state_machines.install()
    tables.install()
    resources.install()
