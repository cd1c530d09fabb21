/** What names of header fields, of methods and of cookies are made of (RFC 9110 section 5.6.2). */
export const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** What no field value may hold (RFC 9110 section 5.5): controls but for the tab. */
export const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/
