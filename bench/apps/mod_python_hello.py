# A handler of mod_python.

from mod_python import apache

BODY = "Hello, world\n"


def handler(request):
    request.content_type = "text/plain;charset=UTF-8"
    request.set_content_length(len(BODY))
    request.write(BODY)
    return apache.OK
