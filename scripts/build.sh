#!/bin/sh
# Compiles everything into dist/. No npm inside of an npm script: it would run on the Node that the
# clone brings, before ensure-node.sh has seen to it that this starts.
set -e
sh scripts/ensure-node.sh
node scripts/ensure-transpiler.js
tsc -p tsconfig.json
