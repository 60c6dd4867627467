<?php
// The pieces of pattern.ts: the first four bytes are the number.
$rest = substr(file_get_contents(__DIR__ . "/piece"), 4);
$pieces = (int) $_GET["pieces"];
header("Content-Type: application/octet-stream");
header("Content-Length: " . $pieces * 65536);
for ($index = 0; $index < $pieces; $index++) echo pack("V", $index), $rest;
