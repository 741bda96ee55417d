"""Exported tables, one a file; each adds itself to ``workflow.exports.EXPORTS``."""
