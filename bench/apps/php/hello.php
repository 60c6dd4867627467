<?php
header("Content-Type: text/plain;charset=UTF-8");
header("Content-Length: 13");
echo "Hello, world\n";
