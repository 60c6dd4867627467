#!/bin/sh
# Holdfast, on the Node that it brings.
exec /usr/lib/holdfast/bin/node /usr/lib/holdfast/bin/holdfast.js "$@"
