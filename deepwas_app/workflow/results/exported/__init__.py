"""Exported tables, one a file; each adds itself to ``workflow.results.exports.EXPORTS``."""
