// The names and numbers of the FastCGI specification, as its §8 spells them. Nothing else.

/** [FCGI §3.3] */
export const FCGI_VERSION_1 = 1;
export const FCGI_HEADER_LEN = 8;
export const FCGI_MAX_CONTENT_LEN = 65_535;
export const FCGI_MAX_PADDING_LEN = 255;

/** The id of management records [FCGI §3.3]. */
export const FCGI_NULL_REQUEST_ID = 0;
export const FCGI_MAX_REQUEST_ID = 65_535;

/** Record types [FCGI §8]. */
export const FCGI_BEGIN_REQUEST = 1;
export const FCGI_ABORT_REQUEST = 2;
export const FCGI_END_REQUEST = 3;
export const FCGI_PARAMS = 4;
export const FCGI_STDIN = 5;
export const FCGI_STDOUT = 6;
export const FCGI_STDERR = 7;
export const FCGI_DATA = 8;
export const FCGI_GET_VALUES = 9;
export const FCGI_GET_VALUES_RESULT = 10;
export const FCGI_UNKNOWN_TYPE = 11;
export const FCGI_MAXTYPE = FCGI_UNKNOWN_TYPE;

/** `flags` of BEGIN_REQUEST [FCGI §5.1]. */
export const FCGI_KEEP_CONN = 1;

/** `role` of BEGIN_REQUEST [FCGI §5.1]. */
export const FCGI_RESPONDER = 1;
export const FCGI_AUTHORIZER = 2;
export const FCGI_FILTER = 3;

/** `protocolStatus` of END_REQUEST [FCGI §5.5]. */
export const FCGI_REQUEST_COMPLETE = 0;
export const FCGI_CANT_MPX_CONN = 1;
export const FCGI_OVERLOADED = 2;
export const FCGI_UNKNOWN_ROLE = 3;

/** Variables of GET_VALUES [FCGI §4.1]. */
export const FCGI_MAX_CONNS = "FCGI_MAX_CONNS";
export const FCGI_MAX_REQS = "FCGI_MAX_REQS";
export const FCGI_MPXS_CONNS = "FCGI_MPXS_CONNS";
