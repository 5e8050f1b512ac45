"""Finds plugins by their `plugin.toml` and resolves "module:Name" only when it is used."""

from studio.registry.plugins import (
    Contribution,
    PluginInfo,
    contributions,
    find,
    plugins,
    reload,
)

__all__ = ["Contribution", "PluginInfo", "contributions", "find", "plugins", "reload"]
