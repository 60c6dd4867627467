import sys

sys.stdout.write("Content-Type: text/plain;charset=UTF-8\r\nContent-Length: 13\r\n\r\nHello, world\n")
