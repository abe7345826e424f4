"""The ledger of writes (docs/ledger.md): where they go, finding each again after a recovery, removing them at last."""
