/* SPDX-License-Identifier: MIT */
/* keys.c - every configuration key: name, kind, range, meaning. */
#include "server/config/keys.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_MS 1000u
#define MINUTE_MS (60u * SECOND_MS)
#define HOUR_MS   (60u * MINUTE_MS)
#define DAY_MS    (24u * HOUR_MS)
#define KIB       1024u
#define MIB       (1024u * KIB)

static const char *const log_levels[] = {"error", "warn", "info", "debug",
                                         NULL};
static const char *const log_formats[] = {"text", "json", NULL};
static const char *const priorities[] = {"normal", "high", "low", NULL};
static const char *const separators[] = {".", "/", NULL};
static const char *const text_forms[] = {"any", "nfc", NULL};
static const char *const payloads[] = {"any", "json", "bytes", "protobuf",
                                       NULL};
static const char *const history_modes[] = {"stream", "latest", "map", NULL};
/* By enum gw_crowd. */
static const char *const crowds[] = {"refuse", "close-oldest", NULL};
static const char *const when_down[] = {"refuse", "allow", "cached", NULL};
static const char *const when_down_once[] = {"refuse", "allow", NULL};
static const char *const tls_versions[] = {"1.2", "1.3", NULL};
static const char *const forwarded[] = {"none", "x-forwarded-for", "forwarded",
                                        NULL};
static const char *const symlinks[] = {"none", "inside", NULL};
/* As enum gw_presence_mode; a large presence may be of the last two. */
static const char *const modes[] = {"full", "ids", "counts", "sampled", NULL};

/** Ways of rules about a channel, and of those about a client alone. */
#define IN_CHANNEL                                                  \
  (GW_WHO_ANYONE | GW_WHO_USER | GW_WHO_SUBSCRIBER | GW_WHO_TOKEN | \
   GW_WHO_HOOK | GW_WHO_MEMBER | GW_WHO_ROLE)
#define ALONE (GW_WHO_ANYONE | GW_WHO_USER)

/* clang-format off */
#define KEY(path, TYPE, member, min, max, choices, text) \
  {path, GW__KEY_##TYPE, offsetof(HOLDER, member), min, max, choices, text}
#define TEXT(path, member, text)             KEY(path, TEXT, member, 0, 0, NULL, text)
#define ADDRESS(path, member, min, text)     KEY(path, ADDRESS, member, min, 0, NULL, text)
#define BOOL(path, member, text)             KEY(path, BOOL, member, 0, 0, NULL, text)
#define NUMBER(path, member, min, max, text) KEY(path, NUMBER, member, min, max, NULL, text)
#define TIME(path, member, min, max, text)   KEY(path, DURATION, member, min, max, NULL, text)
#define SIZE(path, member, min, max, text)   KEY(path, SIZE, member, min, max, NULL, text)
#define CHOICE(path, member, list, text)     KEY(path, CHOICE, member, 0, 0, list, text)
#define RULE(path, member, ways, text)       KEY(path, RULE, member, 0, ways, NULL, text)
#define LIST(path, member, text)             KEY(path, LIST, member, 0, 0, NULL, text)
#define RATE(path, member, max, text)        KEY(path, RATE, member, 0, max, NULL, text)
#define WORDS(path, member, text)            KEY(path, WORDS, member, 0, 0, NULL, text)
#define TRANSITIONS(path, member, text)      KEY(path, TRANSITIONS, member, 0, 0, NULL, text)
#define GROUP(path, member, text)            KEY(path, GROUP, member, 0, 0, NULL, text)
#define END {NULL, GW__KEY_TEXT, 0, 0, 0, NULL, NULL}

#define HOLDER gw_config
const gw__key gw__config_keys[] = {
  ADDRESS("listen.public", listen_public, 1,
    "HOST:PORT for clients: WebSocket, static files, and the demo in development\n"
    "mode. Host localhost is this machine only, * is every address of it, IPv6\n"
    "stands in brackets; unix:/PATH is a Unix socket. Also several of these, as a\n"
    "list or with commas between them."),
  ADDRESS("listen.internal", listen_internal, 0,
    "The same for operators and the application: /metrics, /healthz, /readyz, the\n"
    "API at /v1/api. Not for the public.\n"
    "Empty: not opened."),
  TEXT("listen.unix_mode", unix_mode,
    "Permissions of Unix sockets, in octal."),
  LIST("listen.trusted_proxies", trusted_proxies,
    "Addresses and networks (10.0.0.0/8) of proxies that are believed when they\n"
    "tell for whom they ask; unix: who comes by a Unix socket."),
  BOOL("listen.proxy_protocol", proxy_protocol,
    "Whether connections of trusted proxies begin with a PROXY header, version 1 or\n"
    "2. Those of others never do."),
  CHOICE("listen.forwarded", forwarded, forwarded,
    "Header in which trusted proxies tell the client's address: none,\n"
    "x-forwarded-for, or forwarded (RFC 7239). The proxy has to replace a client's\n"
    "own line of forwarded; it may add to one of x-forwarded-for."),

  LIST("http.headers", http_headers,
    "Headers of requests that hooks, middleware, plugins and handlers may see."),
  BOOL("http.keep", http_keep,
    "Whether they see them as long as the connection lasts, at the cost of memory;\n"
    "otherwise until it is welcomed."),
  SIZE("http.max_request_bytes", http_max_request_bytes, 256, 8 * KIB,
    "What they see of one request: headers, parameters, query. Larger ones are\n"
    "refused where somebody wants to see them."),
  SIZE("http.max_file_bytes", http_max_file_bytes, KIB, 4095 * MIB,
    "Largest file that is served."),

  LIST("middleware", middleware,
    "Links that see requests, frames and publications, in this order: access_log,\n"
    "metrics, rate_limit, auth, compression, and those of plugins and programs.\n"
    "What is not named here comes behind, in the order of loading."),
  TEXT("access_log.file", access_log_file,
    "Where the link access_log writes; SIGHUP opens it again. Empty: standard\n"
    "error."),
  CHOICE("access_log.format", access_log_format, log_formats,
    "text for people, json for machines."),
  NUMBER("access_log.sample", access_log_sample, 1, 1000000,
    "One of so many connections is logged; refused requests always."),
  RATE("rate_limit.requests", request_rate, 1000000,
    "Of the link rate_limit: requests of one address, for files and connections.\n"
    "Such as 100/s, 30/m or 10/h, perhaps with how many at once: 10/s burst 200.\n"
    "0: no limit."),
  RATE("rate_limit.frames", frame_rate, 1000000,
    "What one connection asks for, of whatever kind."),
  TEXT("tls.cert", tls_cert,
    "PEM file with the certificate of the public listener, and behind it those\n"
    "that lead to its authority. Empty: no TLS. SIGHUP reads it and the key again."),
  TEXT("tls.key", tls_key,
    "PEM file with the private key of the certificate, without a passphrase."),
  CHOICE("tls.min_version", tls_min_version, tls_versions,
    "Oldest version of TLS that clients may speak: 1.2 or 1.3."),
  NUMBER("workers", workers, 0, 256,
    "Threads that serve connections. 0: one per core."),
  TEXT("data", data,
    "Folder that everything durable is kept in. Empty: memory only."),
  BOOL("dev", dev,
    "Development mode: serves the demo at / of the public listener, believes users\n"
    "their names, and goes by the demo's own godwit.yaml where none is given."),
  TEXT("node", node,
    "Name of this node, told to clients. Empty: the name of the machine."),
  CHOICE("log.level", log_level, log_levels,
    "What is logged: error, warn, info or debug, each with those before it."),
  CHOICE("log.format", log_format, log_formats,
    "text for people, json for machines; a line per event on standard error."),

  LIST("origins", origins,
    "Origins of pages that may connect: https://app.example.org,\n"
    "https://*.example.org, *.example.org (any scheme), same (the server's own\n"
    "host), localhost, or * for all. Empty: same and, with dev, localhost. A\n"
    "request without an Origin is not a page's and is not held to this."),

  BOOL("auth.anonymous", auth.anonymous,
    "Whether connections without a token get in, as nobody."),
  TEXT("auth.cookie", auth.cookie,
    "Cookie that may hold the token instead of the first message. It counts only\n"
    "for pages of the origins above."),
  LIST("auth.requests", auth.requests,
    "Paths of files and connections that the link auth opens only to who shows a\n"
    "token, as Authorization: Bearer TOKEN or in auth.cookie; /app/* is all below\n"
    "/app/. http.headers has to name the header."),
  LIST("auth.frames", auth.frames,
    "What the link auth lets known users do only: subscribe, publish, rpc,\n"
    "presence, send."),
  TEXT("auth.jwt.secret", auth.secret,
    "Secret of HS256, HS384 and HS512, 32 bytes or more; better in a file, or in\n"
    "GODWIT_AUTH_JWT_SECRET, than here. With one of these keys tokens are checked;\n"
    "without, every user is who it says."),
  TEXT("auth.jwt.secret_file", auth.secret_file,
    "File with that secret."),
  TEXT("auth.jwt.key_file", auth.key_file,
    "PEM file with public keys or certificates: RSA, P-256, P-384, P-521, Ed25519."),
  TEXT("auth.jwt.jwks_file", auth.jwks_file,
    "File with a JSON Web Key set."),
  TEXT("auth.jwt.jwks_url", auth.jwks_url,
    "Where a JSON Web Key set is fetched, http or https, and kept fresh."),
  TIME("auth.jwt.jwks_min_age", auth.jwks_min_age_ms, SECOND_MS, DAY_MS,
    "A fetched set is kept as long as its Cache-Control says, but no shorter than\n"
    "this."),
  TIME("auth.jwt.jwks_max_age", auth.jwks_max_age_ms, SECOND_MS, 30 * DAY_MS,
    "No fetched set is kept longer than this."),
  TIME("auth.jwt.jwks_interval", auth.jwks_interval_ms, SECOND_MS, DAY_MS,
    "Tokens of an unknown key have the set fetched again, once in this time."),
  TIME("auth.jwt.jwks_timeout", auth.jwks_timeout_ms, 100, MINUTE_MS,
    "A fetch that takes longer has failed. The keys that there are stay."),
  LIST("auth.jwt.algorithms", auth.algorithms,
    "Algorithms that tokens may be signed with: HS256, HS384, HS512, RS256, RS384,\n"
    "RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA. Empty: all of these\n"
    "that there is a key for."),
  TEXT("auth.jwt.issuer", auth.issuer,
    "What the claim iss has to be. Empty: anything."),
  LIST("auth.jwt.audience", auth.audience,
    "Names of this server: the claim aud has to hold one of them. Empty: a token\n"
    "with that claim is refused."),
  TIME("auth.jwt.leeway", auth.leeway_ms, 0, 10 * MINUTE_MS,
    "By how much the clock of the issuer may differ: tokens are good for so much\n"
    "longer."),
  TIME("auth.jwt.max_lifetime", auth.max_lifetime_ms, 0, 40 * DAY_MS,
    "Tokens that end later than this from now are refused, and those that never\n"
    "do. Revocations are remembered for as long. 0: no limit."),
  TEXT("auth.jwt.user_claim", auth.user_claim,
    "Claim that holds the user."),
  TEXT("auth.jwt.info_claim", auth.info_claim,
    "Claim that holds what goes with the user: any JSON."),
  TEXT("auth.jwt.channels_claim", auth.channels_claim,
    "Claim that holds channels that the server subscribes the user to."),
  TEXT("auth.jwt.channel_claim", auth.channel_claim,
    "Claim that makes a token one for a channel, and names that."),

  SIZE("limits.max_frame_bytes", settings.limits.max_frame_bytes,
    KIB, GW_MAX_FRAME_BYTES_HARD,
    "Largest frame that a client may send."),
  SIZE("limits.max_message_bytes", settings.limits.max_message_bytes,
    KIB, 256 * MIB,
    "Largest WebSocket message, which may hold several frames."),
  NUMBER("limits.max_channel_bytes", settings.limits.max_channel_bytes,
    1, GW_MAX_CHANNEL_BYTES,
    "Longest name of a channel, in bytes."),
  NUMBER("limits.max_subscriptions", settings.limits.max_subscriptions,
    1, 1000000,
    "Channels that one connection may be subscribed to."),
  SIZE("limits.max_presence_bytes", settings.limits.max_presence_bytes,
    0, 64 * KIB,
    "State and data of one member of a channel's presence."),
  NUMBER("limits.max_calls", settings.limits.max_calls, 1, 65536,
    "Calls of one connection that may wait for their answer."),
  SIZE("limits.max_queue_bytes", settings.limits.max_queue_bytes,
    KIB, 1024 * MIB,
    "What is kept for a connection that does not read. Over it, the connection\n"
    "is cut and recovers; a subscription that chose to skip does so from half of\n"
    "it on, and costs no more."),
  NUMBER("limits.max_connections", settings.max_connections, 0, 10000000,
    "Connections of one worker. 0: no limit."),
  NUMBER("limits.connections_per_address", max_address_connections,
    0, 10000000,
    "Connections of one address (IPv6: of its /64). 0: no limit. Behind a proxy it\n"
    "is the one that a PROXY header names; others of trusted proxies do not count."),
  NUMBER("limits.connections_per_user", settings.max_user_connections,
    0, 10000000,
    "Connections of one user, on the whole node; users are those that the\n"
    "authenticator vouches for. 0: no limit."),
  CHOICE("limits.over_user_limit", settings.user_crowd, crowds,
    "What happens then: refuse the new connection, or close-oldest."),
  NUMBER("limits.max_revocations", settings.max_revocations, 1, 10000000,
    "Revocations of tokens that are remembered."),
  NUMBER("limits.max_channels", settings.max_channels, 0, 100000000,
    "Channels that one worker owns. 0: no limit."),
  NUMBER("limits.max_forwarded", settings.max_forwarded, 1, 10000000,
    "Commands that may wait for another worker of this node."),
  RATE("limits.rate.connect", connect_rate, 1000000,
    "How often one address may connect. Such as 100/s, 30/m or 10/h, perhaps with\n"
    "how many at once: 10/s burst 200. 0: no limit."),
  RATE("limits.rate.subscribe", settings.rates[GW_OPERATION_SUBSCRIBE], 1000000,
    "Subscriptions of one connection; its burst has to hold all that a client\n"
    "wants again after a lost connection."),
  RATE("limits.rate.publish", settings.rates[GW_OPERATION_PUBLISH], 1000000,
    "Publications of one connection. Clients are told, and keep to it."),
  RATE("limits.rate.rpc", settings.rates[GW_OPERATION_CALL], 1000000,
    "Calls of one connection."),
  RATE("limits.rate.presence", settings.rates[GW_OPERATION_PRESENCE], 1000000,
    "Changes and questions of presence of one connection."),
  RATE("limits.rate.user", settings.user_rate, 1000000,
    "All of these together of one user, over all its connections to the node."),

  TIME("handshake.timeout", settings.handshake_timeout_ms,
    100, 5 * MINUTE_MS,
    "From accepting a connection to its first message."),
  TIME("connection.idle_after", settings.idle_after_ms, 0, DAY_MS,
    "A connection that sends nothing but pings for this long is called idle, which\n"
    "is noticed when it is pinged. 0: none is."),
  TIME("connection.grace", settings.conn_grace_ms, 0, 10 * MINUTE_MS,
    "A connection that is lost is called reconnecting for this long, or error after\n"
    "a fault; then it is disconnected, and the state of its own is gone."),
  NUMBER("connection.log", settings.conn_log_size, 0, 100000,
    "Changes of connections that each worker remembers (API connection_log)."),
  TIME("resume.ttl", settings.resume_ttl_ms, 0, 10 * MINUTE_MS,
    "A client that comes back within this after its connection was lost is not\n"
    "asked about again: neither a hook nor its token's signature. 0: it is."),
  NUMBER("resume.max", settings.resume_max, 1, 10000000,
    "Lost connections that one worker remembers for that; the oldest is forgotten."),
  TIME("ping.interval", settings.ping_interval_ms,
    GW_PING_INTERVAL_MIN_MS, GW_PING_INTERVAL_MAX_MS,
    "A client that was silent for this long is pinged."),
  TIME("ping.timeout", settings.ping_timeout_ms, 100, 5 * MINUTE_MS,
    "After the interval and this much more, either side gives up."),
  TIME("dedup.window", settings.dedup_window_ms, SECOND_MS, DAY_MS,
    "How long the key of a publication is remembered, so that a repeat is known.\n"
    "Longer than any client goes on trying; clients stop after 5 minutes."),
  BOOL("rpc.relay", settings.relay_calls,
    "Whether clients may call each other through the server."),

  LIST("api.keys", api_keys,
    "Keys for the API; each request has to show one, as Authorization: Bearer KEY\n"
    "or X-API-Key: KEY. A text of 16 characters or more or, so that the key itself\n"
    "is not kept here, sha256:HEX (`godwit token api-key` makes both). Empty:\n"
    "requests from this machine only, without a key."),
  LIST("api.origins", api_origins,
    "Origins of pages that may use the API, written as in origins. Requests from\n"
    "other pages are refused; those of programs have no origin."),
  SIZE("api.max_request_bytes", api_max_request_bytes, KIB, 64 * MIB,
    "Largest request to the API."),
  TIME("api.request_timeout", api_request_timeout_ms, 100, 10 * MINUTE_MS,
    "How long the body of a request to the internal listener may take to come."),

  TIME("admin.idle", admin.idle_ms, SECOND_MS, DAY_MS,
    "An administrator who does nothing for this long has to log in again. What the\n"
    "page asks by itself does not count."),
  TIME("admin.lifetime", admin.lifetime_ms, SECOND_MS, 30 * DAY_MS,
    "And so does one who logged in so long ago."),
  NUMBER("admin.max_sessions", admin.max_sessions, 1, 1024,
    "Sessions of administrators at once; for one more, the one ends that was not\n"
    "used for longest."),
  RATE("admin.failures", admin.failures, 1000,
    "How often one address, and one name, may fail to log in. 0: no limit."),
  LIST("admin.origins", admin.origins,
    "Origins of the page for administrators, written as in origins, where a proxy\n"
    "changes the header Host. Empty: same."),

  TEXT("hooks.url", hooks.url,
    "Where the application's backend is asked and told (docs/hooks.md), such as\n"
    "http://127.0.0.1:3000/godwit. Empty: not, unless a hook has a URL of its own."),
  TEXT("hooks.use", hooks.use,
    "Which hooks go to hooks.url: connect, refresh, subscribe, publish, rpc,\n"
    "disconnect, presence, connection, channel. One that has a URL of its own is used in any case."),
  TEXT("hooks.secret", hooks.secret,
    "Signs the requests, so that the backend knows who they are from. Better given\n"
    "as GODWIT_HOOKS_SECRET. Empty: they are not signed."),
  TIME("hooks.timeout", hooks.timeout_ms, 10, MINUTE_MS,
    "How long one request may take."),
  NUMBER("hooks.attempts", hooks.attempts, 1, 10,
    "How often a question is tried, within twice the time above. Calls are tried\n"
    "once, notices as often as it takes, for ten minutes."),
  NUMBER("hooks.connections", hooks.connections, 1, 1024,
    "Connections to backends, kept alive."),
  NUMBER("hooks.max_waiting", hooks.max_waiting, 1, 1000000,
    "Questions that may wait for their answer. Others are refused with OVERLOADED."),
  TIME("hooks.cache", hooks.cache_ms, SECOND_MS, DAY_MS,
    "How old an answer may be that is used again where when_down is cached."),
#define HOOK(name, N, list, about)                                            \
  TEXT("hooks." name, hooks.of[GW_HOOK_##N].url,                              \
    about "\nURL of its own; empty: hooks.url, if hooks.use has it."),        \
  TIME("hooks." name "_timeout", hooks.of[GW_HOOK_##N].timeout_ms,            \
    0, MINUTE_MS, "0: hooks.timeout.")
#define WHEN_DOWN(name, N, list)                                              \
  CHOICE("hooks." name "_when_down", hooks.of[GW_HOOK_##N].when_down, list,   \
    "What the answer is when the backend gives none.")
  HOOK("connect", CONNECT, when_down, "Who a client is, and what it is subscribed to."),
  WHEN_DOWN("connect", CONNECT, when_down),
  HOOK("refresh", REFRESH, when_down, "Whether a new token is as good as the old one."),
  WHEN_DOWN("refresh", REFRESH, when_down),
  HOOK("subscribe", SUBSCRIBE, when_down, "Whether a client may, where an allow rule says hook."),
  WHEN_DOWN("subscribe", SUBSCRIBE, when_down),
  HOOK("publish", PUBLISH, when_down, "Whether, and what, where allow.publish says hook."),
  WHEN_DOWN("publish", PUBLISH, when_down_once),
  HOOK("rpc", RPC, NULL, "Calls of methods that the server itself does not know."),
  HOOK("disconnect", DISCONNECT, NULL, "Is told of connections that ended."),
  HOOK("presence", PRESENCE, NULL, "Is told who entered, changed and left."),
  HOOK("connection", CONNECTION, NULL, "Is told of each change in the state of a connection."),
  HOOK("channel", CHANNEL, NULL, "Is told of channels that are made and end, and of their subscribers."),
#undef HOOK
#undef WHEN_DOWN

  RULE("send.to_user", settings.send[GW_ADDRESS_USER], ALONE,
    "Which clients may send a message to all connections of a user: nobody, user\n"
    "(whose name an authenticator vouches for) or anyone. The application may\n"
    "always."),
  RULE("send.to_client", settings.send[GW_ADDRESS_CLIENT], ALONE,
    "The same to all connections of a client."),
  RULE("send.to_connection", settings.send[GW_ADDRESS_CONNECTION], ALONE,
    "The same to one connection."),
  RULE("send.to_group", settings.send[GW_ADDRESS_GROUP],
    ALONE | GW_WHO_MEMBER | GW_WHO_ROLE,
    "The same to a group; also member (whose role in it permits send) and\n"
    "role:NAME."),
  RULE("send.to_channels", settings.send[GW_ADDRESS_CHANNELS],
    ALONE | GW_WHO_SUBSCRIBER,
    "The same to the subscribers of channels; also subscriber (of each)."),
  RULE("send.to_everybody", settings.send[GW_ADDRESS_EVERYBODY], ALONE,
    "The same to all connections of the node."),
  RULE("groups.create", settings.group_create, ALONE,
    "Which clients may create groups, of which they become the owner: nobody,\n"
    "user or anyone."),
  NUMBER("groups.max_members", settings.limits.max_group_members, 1, 1000000,
    "Members of one group."),
  NUMBER("groups.max_roles", settings.limits.max_group_roles, 1, 64,
    "Roles of one group."),
  NUMBER("groups.max_groups", settings.max_groups, 0, 100000000,
    "Groups that one worker owns."),
  NUMBER("groups.max_memberships", settings.max_memberships, 0, 1000000000,
    "Members of these, all together."),
  LIST("compression_for.paths", compression_paths,
    "Of the link compression: paths whose connections are sent compressed messages,\n"
    "such as /mobile/*. Empty: all."),
  LIST("compression_for.except", compression_except,
    "Addresses and networks (10.0.0.0/8) whose connections are not, as they are\n"
    "near."),
  TEXT("compression_for.header", compression_header,
    "Header whose value 0, no or off says the same of one connection; http.headers\n"
    "has to name it. Empty: none."),
  TIME("drain.window", drain_window_ms, 0, 10 * MINUTE_MS,
    "On SIGTERM, clients are told to come back later in batches over this time."),
  TIME("drain.timeout", drain_timeout_ms, 0, HOUR_MS,
    "The server exits after this time at the latest."),
  END
};
#undef HOLDER

#define HOLDER gw_namespace
const gw__key gw__namespace_keys[] = {
  CHOICE("history.mode", history_mode, history_modes,
    "What a channel keeps: stream, the last publications; latest, the newest;\n"
    "map, the newest of each item, until it is removed."),
  NUMBER("history.size", history_size, 0, 1000000,
    "Publications that are kept for each channel. 0: none, and no recovery. Of a\n"
    "map: items; a new one is refused when there are so many."),
  SIZE("history.bytes", history_bytes, 0, 1024 * MIB,
    "Bytes that are kept for each channel. Over it a stream loses the oldest, and\n"
    "a map refuses what makes it larger. What may be compressed counts twice, for\n"
    "the copy that is kept beside it. 0: no limit but the size."),
  TIME("history.ttl", history_ttl_ms, 0, 30 * DAY_MS,
    "How long a stream keeps publications. 0: as long as there is room."),
  TIME("history.item_ttl", item_ttl_ms, 0, 30 * DAY_MS,
    "How long the latest publication, or an item of a map, lives at most. The end\n"
    "of an item is told. 0: until another takes its place."),
  BOOL("channel.wildcards", wildcards,
    "Whether one may subscribe to all channels whose names match: * stands for one\n"
    "part of a name, > for the rest, as in stock.* and log.>. Such parts cannot be\n"
    "in the name of a channel then."),
  CHOICE("channel.separator", separator, separators,
    "What divides the parts of a name: . or /"),
  CHOICE("channel.names", names, text_forms,
    "any: two names are the same when their bytes are. nfc: names have to be in\n"
    "Unicode's normalisation form C, in which what looks alike is alike."),
  TIME("channel.idle", idle_ms, 0, 30 * DAY_MS,
    "A channel that nobody uses is forgotten after this time, and after what it\n"
    "keeps is gone."),
  BOOL("channel.ends_with_last", ends_with_last,
    "Whether it is forgotten with what it keeps, channel.idle after the last\n"
    "subscriber has left."),
  TIME("channel.lifetime", lifetime_ms, 0, 30 * DAY_MS,
    "A channel ends after this time: its subscribers are told, what it keeps is\n"
    "gone. 0: it does not."),
  BOOL("channel.events", events,
    "Whether what happens to channels (created, subscribed, unsubscribed,\n"
    "destroyed) is published to $events:channels. There is such a channel when\n"
    "there is a namespace $events, which says who may subscribe."),
  RATE("channel.rate", publish_rate, 1000000,
    "Publications of one channel, by all its publishers together. 0: no limit."),
  GROUP("channel.group", group,
    "The group that a channel belongs to, for member and role:NAME in allow. {0}\n"
    "to {9} are parts of the channel's name between colons: with team:{1}, channel\n"
    "doc:42:title belongs to group team:42. Empty: none."),
  CHOICE("payload.type", payload, payloads,
    "What a publication has to carry: any; json, which is parsed then; bytes;\n"
    "protobuf, bytes that hold a message. Others are refused."),
  TEXT("payload.schema", schema_file,
    "File that says what fits: JSON Schema for json, a descriptor set (protoc -o)\n"
    "for protobuf. Read at start-up. Empty: everything does."),
  TEXT("payload.message", schema_message,
    "Full name of the message in a descriptor set, such as shop.Order."),
  CHOICE("payload.text", text, text_forms,
    "Of texts in JSON: any, or nfc, Unicode's normalisation form C. Others are\n"
    "refused; nothing is changed on its way."),
  BOOL("presence.enabled", presence,
    "Whether members may enter a channel's presence and be seen."),
  TIME("presence.grace", presence_grace_ms, 0, 10 * MINUTE_MS,
    "A member whose connection is lost stays for this long, so that coming back\n"
    "in time is not seen by the others."),
  TIME("presence.coalesce", presence_coalesce_ms, 0, 10 * SECOND_MS,
    "Joins and leaves are gathered for this long before they are told."),
  WORDS("presence.states", presence_states,
    "States that a member may be in, such as online, away, busy. Empty: any."),
  TRANSITIONS("presence.transitions", presence_transitions,
    "What becomes of a member whose user does nothing: FROM TIME TO, several with\n"
    "commas between, such as online 5m away, away 30m offline. Times count from\n"
    "the last thing that the user did; doing something brings the member back to\n"
    "what it said; offline leaves."),
  CHOICE("presence.mode", presence_mode, modes,
    "What subscribers are told: full (each member), ids (who, and no more),\n"
    "counts (numbers only) or sampled (numbers and a few drawn members)."),
  NUMBER("presence.full_limit", presence_full_limit, 0, GW_MAX_PRESENCE_FULL,
    "Members above which full and ids become what presence.large says; when a\n"
    "fifth fewer are left they come back. 0: never."),
  CHOICE("presence.large", presence_large, modes,
    "counts or sampled."),
  NUMBER("presence.sample", presence_sample, 1, 100,
    "Members that are drawn."),
  TIME("presence.counts_interval", presence_counts_ms, 50, MINUTE_MS,
    "Numbers are told at most once in this time."),
  RULE("allow.subscribe", allow[GW_ACTION_SUBSCRIBE], IN_CHANNEL,
    "Who may subscribe: anyone, user (known to the authenticator), token (a\n"
    "token for the channel), hook (the application is asked), member (of the\n"
    "channel's group, in a role that permits it), role:NAME (in this role),\n"
    "several of these, or nobody."),
  RULE("allow.publish", allow[GW_ACTION_PUBLISH], IN_CHANNEL,
    "Who may publish: the same, and subscriber (of the channel). token: who\n"
    "subscribed with one."),
  RULE("allow.presence", allow[GW_ACTION_PRESENCE], IN_CHANNEL,
    "Who may see who is in the channel."),
  RULE("allow.history", allow[GW_ACTION_HISTORY], IN_CHANNEL,
    "Who may read what was published before, also after a lost connection. Others\n"
    "are told a gap."),
  RULE("allow.channel", allow[GW_ACTION_CHANNEL], IN_CHANNEL,
    "Who may say what is known about a channel: its metadata."),
  TIME("batch.delay", batch_delay_ms, 0, 10 * SECOND_MS,
    "Publications of a channel are gathered for this long and go out together:\n"
    "less work for a busy channel, at the price of the delay. 0: none."),
  SIZE("batch.bytes", batch_bytes, 64, MIB,
    "They go out earlier when they are this many bytes."),
  BOOL("delta.enabled", delta,
    "Whether subscriptions that ask for it are sent publications as changes to the\n"
    "one before, where that is shorter. Costs some work for each publication, and\n"
    "memory for the last one."),
  SIZE("delta.min_size", delta_min_bytes, 0, MIB,
    "Payloads that are shorter are sent whole in any case."),
  BOOL("compression.enabled", packing.on,
    "Whether publications, presence and metadata are compressed for clients that\n"
    "read that; outside of a namespace also messages, calls and answers. Each is\n"
    "compressed once, and kept so beside what it was."),
  SIZE("compression.min_size", packing.min_bytes, 64, MIB,
    "Those that are shorter are sent as they are."),
  CHOICE("priority", priority, priorities,
    "Which of the data that waits for a slow reader is sent first: that of channels\n"
    "in high, then normal, then low. A low channel waits as long as there is other\n"
    "data; what becomes of it then is up to the subscription's overflow policy."),
  END
};
#undef HOLDER

#define HOLDER gw_config_route
static const gw__key route_keys[] = {
  TEXT("path", path,
    "Path that clients connect to: /rooms/:id, /files/*."),
  LIST("channels", channels,
    "Channels that the server subscribes its connections to, such as room:{id}."),
  TEXT("namespace", space,
    "Only namespace that its connections may use, beside those channels. Empty:\n"
    "any."),
  LIST("origins", origins,
    "Origins of pages that may connect: https://app.example.org, *.example.org,\n"
    "same (the server's own host), localhost, * for all. Empty: as everywhere."),
  LIST("subprotocols", subprotocols,
    "godwit.v1, godwit.v1.json. Empty: both."),
  BOOL("anonymous", anonymous,
    "Whether users may connect whom no authenticator vouches for."),
  BOOL("keep", keep,
    "Whether its requests are kept as long as the connections; see http.keep."),
  END
};
#undef HOLDER

#define HOLDER gw_config_static
static const gw__key static_keys[] = {
  TEXT("path", path,
    "Path that the files are below: /, /app."),
  TEXT("folder", folder,
    "Folder that they are in."),
  TIME("cache", cache_ms, 0, 30 * DAY_MS,
    "How long browsers may use a file without asking. 0: they ask each time."),
  CHOICE("symlinks", symlinks, symlinks,
    "Links that are followed: none, or those that stay inside the folder."),
  TEXT("csp", csp,
    "Content-Security-Policy of the files. Empty: none."),
  END
};
#undef HOLDER

#define HOLDER gw_config_plugin
static const gw__key plugin_keys[] = {
  TEXT("path", path,
    "Shared object."),
  TEXT("settings", settings,
    "Text for the plugin."),
  END
};
#undef HOLDER

#define HOLDER gw_config_admin_user
static const gw__key admin_user_keys[] = {
  TEXT("name", name,
    "What the administrator is called, in the log as well."),
  TEXT("password", password,
    "Hash of the password, as godwit hash-password prints it."),
  TEXT("password_file", password_file,
    "File with that line instead."),
  END
};
#undef HOLDER
/* clang-format on */

static const gw_config_route route_defaults = {.anonymous = true};
static const gw_config_static static_defaults = {.symlinks = GW_SYMLINKS_NONE};
static const gw_config_plugin plugin_defaults = {.path = NULL};
static const gw_config_admin_user admin_user_defaults = {.name = NULL};

const gw__list gw__lists[GW__NUM_LISTS] = {
    {.name = "routes",
     .keys = route_keys,
     .first = "path",
     .item_size = sizeof(gw_config_route),
     .items_at = offsetof(gw_config, routes),
     .num_at = offsetof(gw_config, num_routes),
     .defaults = &route_defaults,
     .text = "Paths that clients connect to beside /v1/ws (docs/routes.md).",
     .example = "  - path: /rooms/:id\n"
                "    channels: [\"room:{id}\"]\n"
                "    namespace: room"},
    {.name = "static",
     .keys = static_keys,
     .first = "path",
     .second = "folder",
     .item_size = sizeof(gw_config_static),
     .items_at = offsetof(gw_config, statics),
     .num_at = offsetof(gw_config, num_statics),
     .defaults = &static_defaults,
     .text = "Files that are served beside it; also as {/PATH: FOLDER}.",
     .example = "  - path: /app\n"
                "    folder: /srv/app\n"
                "    cache: 1h"},
    {.name = "plugins",
     .keys = plugin_keys,
     .first = "path",
     .item_size = sizeof(gw_config_plugin),
     .items_at = offsetof(gw_config, plugins),
     .num_at = offsetof(gw_config, num_plugins),
     .defaults = &plugin_defaults,
     .text =
         "Shared objects that are loaded into the server (docs/middleware.md).",
     .example = "  - path: /usr/lib/godwit/wordfilter.so\n"
                "    settings: /etc/godwit/words.txt"},
    {.name = "admin.users",
     .keys = admin_user_keys,
     .first = "name",
     .second = "password",
     .item_size = sizeof(gw_config_admin_user),
     .items_at = offsetof(gw_config, admin.users),
     .num_at = offsetof(gw_config, admin.num_users),
     .defaults = &admin_user_defaults,
     .text =
         "Administrators, who may log in at /admin of the internal listener\n"
         "(docs/security.md). None: nobody can.",
     .example = "  - name: ada\n"
                "    password_file: /etc/godwit/ada.password"},
};

bool gw__key_is_text(const gw__key *key) {
  return key->type == GW__KEY_TEXT || key->type == GW__KEY_ADDRESS ||
         key->type == GW__KEY_LIST;
}

int gw__texts_init(const gw__key *keys, void *at) {
  bool is_whole = true;
  for (; keys->path != NULL; keys++) {
    char **text = (char **)(void *)((char *)at + keys->offset);
    if (!gw__key_is_text(keys)) continue;
    *text = strdup(*text != NULL ? *text : "");
    is_whole = is_whole && *text != NULL;
  }
  return is_whole ? 0 : GW_ERR_NOMEM;
}

void gw__texts_deinit(const gw__key *keys, void *at) {
  for (; keys->path != NULL; keys++) {
    if (gw__key_is_text(keys))
      free(*(char **)(void *)((char *)at + keys->offset));
  }
}

const gw__key *gw__key_find(const gw__key *keys, const char *path) {
  for (; keys->path != NULL; keys++) {
    if (strcmp(keys->path, path) == 0) return keys;
  }
  return NULL;
}
