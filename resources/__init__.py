"""The API: HTTP only. The application registers the blueprint `blp` of every module here."""

# The order in the OpenAPI document; a module that is not listed comes last.
ORDER = ("sessions", "users", "products", "orders", "health")
TITLE = "Flask API Service"
SUMMARY = "Accounts, a product catalogue, and orders."
# Markdown. ReDoc makes a menu of the headings.
DESCRIPTION = """\
JSON in, JSON out. Times are RFC 3339 in UTC, money is an integer of minor units with its
currency, ids are opaque texts. Try it in [Swagger UI](/api/docs), read it in
[ReDoc](/api/redoc), look up [what a problem means](/api/problems).

# Signing in

`POST /api/auth/login` gives an `access_token`, for the header `Authorization: Bearer …`, and a
`refresh_token`. When the access token has expired, `POST /api/auth/refresh` gives two new ones. A
refresh token is good once: keep the new one, and have one place in your program that refreshes.

# Retries

Reading, replacing and erasing can be sent again as they are. Without an `Idempotency-Key`, each
retry places another order. With it, an order is placed once:

1. Make a key, such as a UUID, before the first try, and write it down beside what you want to
   order.
2. Send the order with the key.
3. No answer, or a 503, a 429, or the 409 `request-in-flight`? Wait (`Retry-After` says how long;
   a second will do), then send the same body with the same key. If the order was placed the first
   time, you get that answer again, with `Idempotency-Replayed: true`.
4. After a 401, get new tokens and go on with the same key. After a 500, the same key finds out
   whether the order was placed.
5. Only a success is stored. After any other error, fix the cause; the same key then works again,
   also with a changed body. For another order, make another key.

Keys live 24 hours.

# Problems

Every answer of 400 and above is a problem document (RFC 9457), `application/problem+json`. Its
`type` is stable, and the address of a page that says what happened and what to do;
[/api/problems](/api/problems) lists them all. Its `detail` is for people, and may change.
`errors` points to what is invalid, by JSON pointer (RFC 6901).

# Lists

Lists come a page at a time: `items`, and `next_cursor` for the next page, which is `null` on the
last one. Pass it on as `cursor`, with the same filters. The ten-thousandth page costs what the
first one does, and nothing is shown twice while others write.

# Lost updates

An answer of one resource has an `ETag`. Send it as `If-None-Match` when you read again: 304 says
that your copy is current. Send it as `If-Match` when you write: 412 says that somebody was
faster.

# Limits

`X-RateLimit-Limit`, `-Remaining` and `-Reset` tell how many requests you have left. After a 429,
wait as many seconds as `Retry-After` says.

# Headers

The headers that a program may want are documented with each answer. All answers have some for
browsers and caches besides: `Cache-Control`, `Content-Security-Policy`, `Referrer-Policy`,
`X-Content-Type-Options`, `X-Frame-Options`, and over HTTPS `Strict-Transport-Security`.

# Changes

Fields and problems may be added to answers at any time, so skip what you don't know. What would
break a client comes with a new major version only.
"""
