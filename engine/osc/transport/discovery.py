"""Announce the bridge by Zeroconf, so that OSC programs on the network list it. Only when asked for."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable

from engine import engine_version
from engine.osc.home import BridgeState

OSC_TYPE, OSCQUERY_TYPE = "_osc._udp.local.", "_oscjson._tcp.local."


async def announce(state: BridgeState) -> Callable[[], Awaitable[None]]:
    """Announce where the bridge listens.

    Args:
        state: its ports; in LAN mode all interfaces are used, else the loopback one.

    Returns:
        A function that takes it back.

    Raises:
        RequestError: the zeroconf package is missing.
    """
    try:
        from zeroconf import IPVersion, ServiceInfo
        from zeroconf.asyncio import AsyncZeroconf
    except ImportError:
        from engine import RequestError

        raise RequestError("announcing needs the zeroconf package; install fluxstem[osc]") from None
    name = f"Fluxstem {socket.gethostname().split('.')[0]} {state.udp_port}"
    loopback = socket.inet_aton("127.0.0.1")
    services = [(OSC_TYPE, state.udp_port), *([(OSCQUERY_TYPE, state.http_port)] if state.http_port else [])]
    infos = [
        ServiceInfo(
            kind,
            f"{name}.{kind}",
            port=port,
            addresses=_addresses() if state.lan else [loopback],
            properties={"txtvers": "1", "version": engine_version(), "types": "ifsb"},
            server=f"fluxstem-{state.pid}.local.",
        )
        for kind, port in services
    ]
    if state.lan:
        registry = AsyncZeroconf(ip_version=IPVersion.V4Only)
    else:
        registry = AsyncZeroconf(ip_version=IPVersion.V4Only, interfaces=["127.0.0.1"])
    for info in infos:
        await (await registry.async_register_service(info))

    async def withdraw() -> None:
        await registry.async_unregister_all_services()
        await registry.async_close()

    return withdraw


def _addresses() -> list[bytes]:
    """IPv4 addresses other machines can reach us at."""
    import ifaddr

    return [
        socket.inet_aton(ip.ip)
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
        if isinstance(ip.ip, str) and not ip.ip.startswith("127.")
    ]
