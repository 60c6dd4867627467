<?php
$hash = hash_init("sha256");
$bytes = 0;
for ($body = fopen("php://input", "rb"); !feof($body); $bytes += strlen($piece)) {
  $piece = fread($body, 65536);
  hash_update($hash, $piece);
}
$json = json_encode(["bytes" => $bytes, "sha256" => hash_final($hash)]);
header("Content-Type: application/json");
header("Content-Length: " . strlen($json));
echo $json;
