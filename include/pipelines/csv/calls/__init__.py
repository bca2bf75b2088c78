"""Calls to paid services: found in the store, made once for all who ask, within quotas, tried again with patience."""
