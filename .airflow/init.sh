#!/bin/sh
# Prepares an Airflow for Headrace: metadata tables, the pools that the Dags name, and the connections if they are given.
# `make up`, the init service of docker-compose.yaml and the tests run this one file; running it again changes nothing.
#
# HEADRACE_CONNECTIONS_FILE names a JSON file as `airflow connections import` reads it; unset, the connections come from
# AIRFLOW_CONN_… variables, which Airflow reads without an import.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
airflow db migrate
# A pool that does not exist leaves its tasks `scheduled` for ever, with no more than a line in the scheduler's log.
airflow pools import "$here/pools.json"
if [ -n "${HEADRACE_CONNECTIONS_FILE:-}" ]; then
    airflow connections import --overwrite "$HEADRACE_CONNECTIONS_FILE"
fi
