#!/bin/sh
# calib-db.sh FOLDER ...  serves constants on a free port; its address is in FOLDER/calib.url.
set -eu
folder=$1
shift
mkdir -p -m 700 "$folder"
exec calib-serve "$@" > "$folder/calib.url"
