<?php
$fill = str_repeat("x", 48);
$page = "";
for ($row = 0; $row < 128; $row++) $page .= sprintf("<tr><td>%04d</td><td>%s</td></tr>\n", $row, $fill);
header("Content-Type: text/html;charset=UTF-8");
header("Content-Length: " . strlen($page));
echo $page;
