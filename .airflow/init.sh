#!/bin/sh
# Prepares an Airflow for Headrace: metadata tables, the pools that the Dags name, and the connections if they are given.
# `make up`, the init service of docker-compose.yaml and the tests run this one file; running it again changes nothing.
#
# Two JSON files, as `airflow connections import` reads them, may be named: the connections of HEADRACE_CONNECTIONS_FILE are
# set anew each time, those of HEADRACE_FIRST_CONNECTIONS_FILE only where they are missing, so an edit in the UI stays.
# Without them the connections come from AIRFLOW_CONN_… variables, which Airflow reads without an import.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
airflow db migrate
# A pool that does not exist leaves its tasks `scheduled` for ever, with no more than a line in the scheduler's log.
airflow pools import "$here/pools.json"
if [ -n "${HEADRACE_CONNECTIONS_FILE:-}" ]; then
    airflow connections import --overwrite "$HEADRACE_CONNECTIONS_FILE"
fi
if [ -n "${HEADRACE_FIRST_CONNECTIONS_FILE:-}" ]; then
    airflow connections import "$HEADRACE_FIRST_CONNECTIONS_FILE"
fi
