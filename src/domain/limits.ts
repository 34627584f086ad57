/** How deeply objects and arrays of one JSON value that crosses the API may be nested. A scalar has depth 0. */
export const MAX_JSON_DEPTH = 24;
/** How deeply a response may be nested that is read for its attributes. */
export const MAX_RESPONSE_DEPTH = 64;

/** How many dynamic variables one agent may declare. */
export const MAX_VARIABLES = 128;
/** The size of one variable's value, in bytes of compact JSON. */
export const MAX_VARIABLE_BYTES = 16 * 1024;
/** The size of an agent's defaults, or of a conversation's variables, together, in bytes of compact JSON. */
export const MAX_VARIABLES_BYTES = 256 * 1024;

/** This size and all sizes below are in bytes of UTF-8. */
export const MAX_DISPLAY_NAME_BYTES = 128;
export const MAX_CALLER_PHONE_BYTES = 256;
export const MAX_CALL_SUMMARY_BYTES = 64 * 1024;
/** As compact JSON. */
export const MAX_METADATA_BYTES = 3 * 1024 * 1024;

export const MAX_SECRETS = 32;
export const MAX_SECRET_BYTES = 16 * 1024;
export const MAX_SIGNING_SECRETS = 4;
/** Each of the two texts of an HMAC signature. */
export const MAX_SIGNED_TEXT_BYTES = 1024;
export const MAX_SCOPES = 32;
export const MAX_SCOPE_BYTES = 256;
export const MAX_AUDIENCE_BYTES = 1024;

export const MAX_URL_TEMPLATE_BYTES = 4096;
export const MAX_HEADERS = 32;
export const MAX_HEADER_NAME_BYTES = 128;
export const MAX_HEADER_TEMPLATE_BYTES = 4 * 1024;
/** An object or array is measured as compact JSON, a text by its own bytes. */
export const MAX_BODY_TEMPLATE_BYTES = 64 * 1024;

export const MAX_ASSIGNMENTS = 64;
export const MAX_ATTRIBUTE_NAME_BYTES = 256;
/** How many segments the path of an attribute may have. */
export const MAX_PATH_SEGMENTS = 16;

export const MAX_REJECTION_STATUSES = 16;
export const MAX_REJECTION_VALUES = 16;
/** The size of a value that rejects calls, in bytes of compact JSON. */
export const MAX_REJECTION_VALUE_BYTES = 1024;
export const MAX_REJECT_REASON_BYTES = 256;

/** How many redirects a webhook may follow. */
export const MAX_REDIRECTS = 3;

/** The bounds of a webhook's own time limit, in seconds. */
export const MIN_TIMEOUT_SECS = 0.1;
export const MAX_TIMEOUT_SECS = 60;

/** The sizes of a request as it is sent. */
export const MAX_RENDERED_URL_BYTES = 4096;
export const MAX_RENDERED_HEADER_BYTES = 8 * 1024;
export const MAX_RENDERED_BODY_BYTES = 4 * 1024 * 1024;
