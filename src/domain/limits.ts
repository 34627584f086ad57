/** Depth of one JSON value that crosses the API: nested objects and arrays; a scalar has 0. */
export const MAX_JSON_DEPTH = 24;
/** Depth of a response that is read for its attributes. */
export const MAX_RESPONSE_DEPTH = 64;

/** Dynamic variables that one agent declares. */
export const MAX_VARIABLES = 128;
/** One variable's value, in bytes of compact JSON. */
export const MAX_VARIABLE_BYTES = 16 * 1024;
/** An agent's defaults, or a conversation's variables, together, in bytes of compact JSON. */
export const MAX_VARIABLES_BYTES = 256 * 1024;

/** Bytes of UTF-8, as everything below. */
export const MAX_DISPLAY_NAME_BYTES = 128;
export const MAX_CALLER_PHONE_BYTES = 256;
export const MAX_CALL_SUMMARY_BYTES = 64 * 1024;
/** Compact JSON. */
export const MAX_METADATA_BYTES = 1024 * 1024;

export const MAX_SECRETS = 32;
export const MAX_SECRET_BYTES = 4 * 1024;
export const MAX_SIGNING_SECRETS = 4;

export const MAX_URL_TEMPLATE_BYTES = 4096;
export const MAX_HEADERS = 32;
export const MAX_HEADER_NAME_BYTES = 128;
export const MAX_HEADER_TEMPLATE_BYTES = 4 * 1024;
/** Of an object or array: compact JSON; of a text: its own bytes. */
export const MAX_BODY_TEMPLATE_BYTES = 64 * 1024;

export const MAX_ASSIGNMENTS = 64;
export const MAX_ATTRIBUTE_NAME_BYTES = 256;
/** Segments of an attribute's path. */
export const MAX_PATH_SEGMENTS = 16;

/** A webhook's own time limit, in seconds. */
export const MIN_TIMEOUT_SECS = 0.1;
export const MAX_TIMEOUT_SECS = 60;

/** Of a request as it leaves. */
export const MAX_RENDERED_URL_BYTES = 4096;
export const MAX_RENDERED_HEADER_BYTES = 8 * 1024;
export const MAX_RENDERED_BODY_BYTES = 2 * 1024 * 1024;
