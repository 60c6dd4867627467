<?php
// The connection outlives the request.
$database = pg_pconnect(getenv("DATABASE_URL"));
$row = pg_fetch_assoc(pg_query_params($database, "SELECT id, name, price FROM things WHERE id = $1", [7]));
$json = json_encode(["id" => (int) $row["id"], "name" => $row["name"], "price" => (int) $row["price"]]);
header("Content-Type: application/json");
header("Content-Length: " . strlen($json));
echo $json;
