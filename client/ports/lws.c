/* SPDX-License-Identifier: MIT */
/* lws.c - port of the client core: a WebSocket by libwebsockets, the timer and
 * the clock by libuv. */
#include "client/ports/lws.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <libwebsockets.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/** Name of the subprotocol, also of ours in libwebsockets. */
#define PROTOCOL "godwit.v1"

/** Bytes that one read hands on. */
#define RX_BUFFER_BYTES 16384u

/** A message that is not taken by the network is kept this long when the client
 * closes, then the connection is cut. */
#define CLOSE_TIMEOUT_S 3

/** Longest time to stay away that an answer in HTTP can ask for. */
#define RETRY_AFTER_MAX_S 300u

/** A close frame holds two bytes of code and this much text (RFC 6455, 5.5). */
#define CLOSE_REASON_MAX 123u

/** Longest endpoint. */
#define URL_MAX 1024u

/** A message on its way out; the bytes follow LWS_PRE of room. */
typedef struct message {
  struct message *next;
  size_t len;
  uint8_t bytes[];
} message;

/** One attempt to connect, and what became of it. Lives until libwebsockets has
 * forgotten its connection, also when the client has long gone on to another.
 */
typedef struct attempt {
  struct attempt *next;
  gw_lws *port;
  struct lws *wsi;
  uint32_t generation;
  message *first;
  message **last;
  bool has_connected; /**< the handshake was sent */
  bool is_connecting; /**< libwebsockets' connect function has not returned */
  bool is_destroyed;  /**< and forgot the connection meanwhile */
  bool is_open;
  bool is_closing; /**< by the client: flush, close frame, end */
  bool is_told;    /**< the client knows that it is over */
  bool is_refused; /**< by an answer in HTTP */
  uint32_t retry_after_ms;
  const char *certificate_fault; /**< static text; NULL: none was found */
  uint32_t close_code;
  uint16_t own_code;
  gw_view close_reason; /**< of reason */
  char reason[GW_LWS_WHY_MAX];
} attempt;

struct gw_lws {
  gw_client *client; /**< NULL from gw_lws_close on */
  gw_lws_options options;
  struct lws_context *context;
  struct lws_vhost *vhost;
  uv_timer_t timer; /**< the client's */
  uv_timer_t opener;
  bool has_pending; /**< an endpoint waits for opener */
  uint32_t pending_generation;
  char pending_url[URL_MAX];
  attempt *attempts;
};

/* ---- endpoints -------------------------------------------------------------
 */

/** The parts of an endpoint, in a copy of its text. */
typedef struct url {
  char text[URL_MAX];
  char path[URL_MAX];
  const char *host;
  int port;
  bool is_secure;
} url;

static bool refuse(char *why, gw_view endpoint, const char *sentence) {
  if (why != NULL) {
    (void)snprintf(why, GW_LWS_WHY_MAX, "%.*s: %s",
                   (int)(endpoint.len < 128 ? endpoint.len : 128),
                   (const char *)endpoint.data, sentence);
  }
  return false;
}

static bool parse_url(gw_view endpoint, url *u, char *why) {
  const char *scheme, *path;
  if (endpoint.len >= sizeof u->text || !gw_view_is_text(endpoint)) {
    return refuse(why, endpoint, "is too long, or no text");
  }
  memcpy(u->text, endpoint.data, endpoint.len);
  u->text[endpoint.len] = '\0';
  if (strncmp(u->text, "ws://", 5) != 0 && strncmp(u->text, "wss://", 6) != 0) {
    return refuse(why, endpoint, "must begin with ws:// or wss://");
  }
  if (strpbrk(u->text, " \t\r\n\"<>#@") != NULL ||
      lws_parse_uri(u->text, &scheme, &u->host, &u->port, &path) != 0 ||
      *u->host == '\0' || u->port < 1 || u->port > 65535) {
    return refuse(why, endpoint, "must be like ws://HOST:PORT/PATH");
  }
  u->is_secure = strcmp(scheme, "wss") == 0;
  (void)snprintf(u->path, sizeof u->path, "/%s", path);
  return true;
}

bool gw_lws_endpoint_is_valid(gw_view endpoint, char why[GW_LWS_WHY_MAX]) {
  url u;
  return parse_url(endpoint, &u, why);
}

bool gw_lws_ca_is_valid(const char *path, char why[GW_LWS_WHY_MAX]) {
  X509_STORE *store = X509_STORE_new();
  bool is_valid = store != NULL && X509_STORE_load_file(store, path) == 1;
  X509_STORE_free(store);
  ERR_clear_error();
  if (is_valid) return true;
  return refuse(why, gw_view_of(path),
                "holds no certificate in PEM, or cannot be read");
}

/* ---- links -----------------------------------------------------------------
 */

static attempt *new_attempt(gw_lws *p, uint32_t generation) {
  attempt *a = calloc(1, sizeof *a);
  if (a == NULL) return NULL;
  a->port = p;
  a->generation = generation;
  a->last = &a->first;
  a->next = p->attempts;
  p->attempts = a;
  return a;
}

static void free_attempt(attempt *a) {
  attempt **at = &a->port->attempts;
  while (*at != a)
    at = &(*at)->next;
  *at = a->next;
  while (a->first != NULL) {
    message *next = a->first->next;
    free(a->first);
    a->first = next;
  }
  free(a);
}

static attempt *find_attempt(const gw_lws *p, uint32_t generation) {
  for (attempt *a = p->attempts; a != NULL; a = a->next) {
    if (a->generation == generation) return a;
  }
  return NULL;
}

static void tell_wire(const gw_lws *p, const gw_lws_wire *news) {
  if (p->options.wire != NULL) p->options.wire(p->options.user, news);
}

/** Tell the client that the attempt is over, once. */
static void tell_closed(attempt *a) {
  gw_client *client = a->port->client;
  if (a->is_told || client == NULL) return;
  a->is_told = true;
  tell_wire(a->port, &(gw_lws_wire){.type = GW_LWS_WIRE_CLOSED,
                                    .generation = a->generation,
                                    .bytes = a->close_reason,
                                    .code = a->close_code,
                                    .retry_after_ms = a->retry_after_ms});
  if (a->is_refused) {
    gw_client_on_refused(client, a->generation, a->close_code,
                         a->retry_after_ms, a->close_reason);
  } else {
    gw_client_on_closed(client, a->generation, a->close_code, a->close_reason);
  }
}

static void set_reason(attempt *a, const char *text) {
  (void)snprintf(a->reason, sizeof a->reason, "%s", text);
  a->close_reason = gw_view_of(a->reason);
  /* Nothing that the network says is passed on as text unless it is text. */
  if (!gw_view_is_text(a->close_reason)) a->close_reason.len = 0;
}

/* ---- refusals --------------------------------------------------------------
 */

/** What an HTTP status in place of a WebSocket means: the close code that a
 * server would have used. 0: nothing in particular, try again. */
static uint32_t code_of_status(unsigned status) {
  switch (status) {
  case 401:
    return 4000 + GW_CODE_TOKEN_INVALID;
  case 403:
    return 4000 + GW_CODE_PERMISSION_DENIED;
  case 429:
    return 4000 + GW_CODE_RATE_LIMITED;
  case 503:
    return 4000 + GW_CODE_OVERLOADED;
  default:
    return 0;
  }
}

/** What Retry-After says; a date is not taken. It may come from anything on the
 * way, so that it does not count for long. */
static uint32_t retry_after_ms(struct lws *wsi) {
  char text[16], *end;
  int len = lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_HTTP_RETRY_AFTER);
  if (len <= 0 || !isdigit((unsigned char)text[0])) return 0;
  unsigned long seconds = strtoul(text, &end, 10);
  if (*end != '\0') return 0;
  if (seconds > RETRY_AFTER_MAX_S) seconds = RETRY_AFTER_MAX_S;
  return (uint32_t)seconds * 1000;
}

/** What happened, for people: libwebsockets' own words are about its insides.
 */
static void set_failure(attempt *a, const char *text, size_t len) {
  bool is_tls =
      text != NULL && len >= 11 && memcmp(text, "connect SSL", 11) == 0;
  if (a->certificate_fault != NULL) {
    char why[GW_LWS_WHY_MAX];
    (void)snprintf(why, sizeof why, "the server's certificate is refused: %s",
                   a->certificate_fault);
    set_reason(a, why);
  } else if (is_tls) {
    set_reason(a, "TLS failed; does the server speak it at this port?");
  } else if (a->has_connected) {
    set_reason(a, "closed during the handshake; is it a godwit server?");
  } else {
    set_reason(a, "connection refused, or the host is not reachable");
  }
}

/** What may be wrong with the URL. */
static const char *guess(unsigned status) {
  switch (status) {
  case 400:
    return "; does the server speak TLS at this port (wss://)?";
  case 404:
    return "; is the path right, such as /v1/ws?";
  default:
    return "";
  }
}

static void on_connect_error(attempt *a, struct lws *wsi, const char *text,
                             size_t len) {
  char status_text[96];
  unsigned status = wsi != NULL ? lws_http_client_http_response(wsi) : 0;
  if (status != 0 && status != 101) {
    (void)snprintf(status_text, sizeof status_text,
                   "refused with HTTP status %u%s", status, guess(status));
    set_reason(a, status_text);
    a->close_code = code_of_status(status);
    a->retry_after_ms = retry_after_ms(wsi);
    a->is_refused = true;
  } else {
    set_failure(a, text, len);
  }
  tell_closed(a);
}

/** OpenSSL has checked a certificate of the server's chain. Returns nonzero to
 * refuse it. */
static int on_certificate(attempt *a, X509_STORE_CTX *store, bool is_good) {
  if (is_good) return 0;
  if (a != NULL && a->port->options.is_insecure) {
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 0;
  }
  if (a != NULL)
    a->certificate_fault =
        X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
  return -1;
}

/** A server may speak WebSocket and not this; libwebsockets would let it pass.
 */
static int on_handshake(attempt *a, struct lws *wsi) {
  char name[sizeof PROTOCOL];
  int len = lws_hdr_copy(wsi, name, sizeof name, WSI_TOKEN_PROTOCOL);
  if (len > 0 && strcmp(name, PROTOCOL) == 0) return 0;
  set_reason(a, "the server does not speak " PROTOCOL);
  tell_closed(a);
  return -1;
}

/** Write one message, or the end. Returns nonzero to close. */
static int on_writable(attempt *a, struct lws *wsi) {
  message *m = a->first;
  if (m != NULL) {
    a->first = m->next;
    if (a->first == NULL) a->last = &a->first;
    int written = lws_write(wsi, m->bytes + LWS_PRE, m->len, LWS_WRITE_BINARY);
    free(m);
    if (written < 0) return -1;
    if (a->first != NULL || a->is_closing) lws_callback_on_writable(wsi);
    return 0;
  }
  if (!a->is_closing) return 0;
  lws_close_reason(wsi, (enum lws_close_status)a->own_code,
                   (unsigned char *)a->reason, strlen(a->reason));
  return -1;
}

static int on_open(attempt *a) {
  /* Given up while it was being opened. */
  if (a->is_told || a->port->client == NULL) return -1;
  a->is_open = true;
  tell_wire(a->port, &(gw_lws_wire){.type = GW_LWS_WIRE_OPENED,
                                    .generation = a->generation,
                                    .bytes = gw_view_of(PROTOCOL)});
  gw_client_on_open(a->port->client, a->generation);
  return 0;
}

static int on_receive(attempt *a, struct lws *wsi, const void *in, size_t len) {
  bool is_end =
      lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;
  if (a->is_closing || a->port->client == NULL) return 0;
  tell_wire(a->port, &(gw_lws_wire){.type = GW_LWS_WIRE_IN,
                                    .generation = a->generation,
                                    .bytes = {in, len},
                                    .is_end = is_end});
  gw_client_on_data(a->port->client, a->generation, (gw_view){in, len}, is_end);
  return 0;
}

/** Code and reason of the peer's close frame. */
static void on_peer_close(attempt *a, const uint8_t *in, size_t len) {
  if (len < 2) return;
  a->close_code = (uint32_t)in[0] << 8 | in[1];
  char text[CLOSE_REASON_MAX + 1];
  (void)snprintf(text, sizeof text, "%.*s", (int)(len - 2),
                 (const char *)in + 2);
  set_reason(a, text);
}

static void on_destroy(attempt *a) {
  tell_closed(a);
  if (a->is_connecting) {
    a->is_destroyed = true; /* connect() frees it when it is back */
  } else {
    free_attempt(a);
  }
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason,
                    void *user, void *in, size_t len) {
  attempt *a = user;
  if (reason == LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION)
    return on_certificate(lws_wsi_user(wsi), user, len != 0);
  if (a == NULL) return 0;
  switch (reason) {
  case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    on_connect_error(a, wsi, in, len);
    return 0;
  case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
    a->has_connected = true;
    return 0;
  case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
    return on_handshake(a, wsi);
  case LWS_CALLBACK_CLIENT_ESTABLISHED:
    return on_open(a);
  case LWS_CALLBACK_CLIENT_RECEIVE:
    return on_receive(a, wsi, in, len);
  case LWS_CALLBACK_CLIENT_WRITEABLE:
    return on_writable(a, wsi);
  case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    on_peer_close(a, in, len);
    return 0;
  case LWS_CALLBACK_CLIENT_CLOSED:
    tell_closed(a);
    return 0;
  case LWS_CALLBACK_WSI_DESTROY:
    on_destroy(a);
    return 0;
  default:
    return 0;
  }
}

static const struct lws_protocols protocols[] = {
    {PROTOCOL, on_event, 0, RX_BUFFER_BYTES, 0, NULL, 0},
    {NULL, NULL, 0, 0, 0, NULL, 0},
};

/* All zero: no pings of libwebsockets' own; the core sees to that. */
static const lws_retry_bo_t no_retry;

static void connect_attempt(attempt *a, const url *u) {
  char host[URL_MAX];
  gw_lws *p = a->port;
  bool is_v6 = strchr(u->host, ':') != NULL;
  (void)snprintf(host, sizeof host, is_v6 ? "[%s]:%d" : "%s:%d", u->host,
                 u->port);
  /* A redirect is not followed: it could lead the token anywhere. */
  int flags = LCCSCF_HTTP_NO_FOLLOW_REDIRECT;
  if (u->is_secure) flags |= LCCSCF_USE_SSL;
  struct lws_client_connect_info info = {
      .context = p->context,
      .vhost = p->vhost,
      .address = u->host,
      .port = u->port,
      .path = u->path,
      .host = host,
      .protocol = PROTOCOL,
      .local_protocol_name = PROTOCOL,
      .alpn = "http/1.1",
      .ssl_connection = flags,
      .userdata = a,
      .retry_and_idle_policy = &no_retry,
      .pwsi = &a->wsi,
  };
  a->is_connecting = true;
  struct lws *wsi = lws_client_connect_via_info(&info);
  a->is_connecting = false;
  if (wsi == NULL || a->is_destroyed) {
    if (!a->is_told) set_reason(a, "the host's name is not known");
    tell_closed(a);
    free_attempt(a);
  }
}

static void on_opener(uv_timer_t *timer) {
  gw_lws *p = timer->data;
  url u;
  char why[GW_LWS_WHY_MAX];
  if (!p->has_pending) return;
  p->has_pending = false;
  attempt *a = new_attempt(p, p->pending_generation);
  if (a == NULL) {
    gw_client_on_closed(p->client, p->pending_generation, 0,
                        gw_view_of("out of memory"));
  } else if (!parse_url(gw_view_of(p->pending_url), &u, why)) {
    set_reason(a, why);
    tell_closed(a);
    free_attempt(a);
  } else {
    connect_attempt(a, &u);
  }
}

/* ---- port ------------------------------------------------------------------
 */

/* Connecting can fail on the spot, and the core must not be called back from
 * within: the next turn of the loop does it. */
static void port_open(void *user, uint32_t generation, gw_view endpoint) {
  gw_lws *p = user;
  p->has_pending = true;
  p->pending_generation = generation;
  tell_wire(p, &(gw_lws_wire){.type = GW_LWS_WIRE_OPEN,
                              .generation = generation,
                              .bytes = endpoint});
  (void)snprintf(p->pending_url, sizeof p->pending_url, "%.*s",
                 (int)(endpoint.len < URL_MAX ? endpoint.len : URL_MAX),
                 (const char *)endpoint.data);
  (void)uv_timer_start(&p->opener, on_opener, 0, 0);
}

/** Cut a connection after some seconds, or LWS_TO_KILL_ASYNC. */
static void end_in(attempt *a, int seconds) {
  lws_set_timeout(a->wsi, PENDING_TIMEOUT_CLOSE_SEND, seconds);
  /* libwebsockets looks at its timers when it is called from the loop only. */
  lws_cancel_service(a->port->context);
}

static void port_close(void *user, uint32_t generation, uint32_t code,
                       gw_view reason) {
  gw_lws *p = user;
  const gw_lws_wire news = {.type = GW_LWS_WIRE_CLOSE,
                            .generation = generation,
                            .bytes = reason,
                            .code = code};
  if (p->has_pending && p->pending_generation == generation) {
    p->has_pending = false;
    tell_wire(p, &news);
    return;
  }
  attempt *a = find_attempt(p, generation);
  if (a == NULL || a->is_closing) return;
  tell_wire(p, &news);
  a->is_closing = true;
  a->is_told = true;
  a->own_code = (uint16_t)code;
  (void)snprintf(a->reason, CLOSE_REASON_MAX, "%.*s", (int)reason.len,
                 reason.len > 0 ? (const char *)reason.data : "");
  if (a->wsi == NULL) return;
  if (a->is_open) {
    lws_callback_on_writable(a->wsi);
    end_in(a, CLOSE_TIMEOUT_S);
  } else {
    end_in(a, LWS_TO_KILL_ASYNC);
  }
}

static void port_send(void *user, uint32_t generation, gw_view data) {
  gw_lws *p = user;
  attempt *a = find_attempt(p, generation);
  if (a == NULL || a->wsi == NULL || !a->is_open || a->is_closing) return;
  message *m = malloc(sizeof *m + LWS_PRE + data.len);
  if (m == NULL) {
    /* A message of the stream is lost, so the stream is. */
    set_reason(a, "out of memory");
    end_in(a, LWS_TO_KILL_ASYNC);
    return;
  }
  m->next = NULL;
  m->len = data.len;
  memcpy(m->bytes + LWS_PRE, data.data, data.len);
  tell_wire(p, &(gw_lws_wire){.type = GW_LWS_WIRE_OUT,
                              .generation = generation,
                              .bytes = data});
  *a->last = m;
  a->last = &m->next;
  lws_callback_on_writable(a->wsi);
}

static void on_timer(uv_timer_t *timer) {
  gw_lws *p = timer->data;
  gw_client_on_timer(p->client);
}

static void port_set_timer(void *user, uint64_t delay_ms) {
  gw_lws *p = user;
  if (delay_ms == UINT64_MAX) {
    (void)uv_timer_stop(&p->timer);
    return;
  }
  uv_update_time(p->options.loop);
  (void)uv_timer_start(&p->timer, on_timer, delay_ms, 0);
}

static uint64_t port_now(void *user) {
  (void)user;
  return uv_hrtime() / 1000000;
}

static uint64_t port_random(void *user) {
  (void)user;
  uint64_t number;
  /* Eight bytes are never cut short; before the pool is ready it blocks. */
  while (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number) {
    if (errno != EINTR) abort();
  }
  return number;
}

static void port_event(void *user, const gw_event *event) {
  gw_lws *p = user;
  p->options.event(p->options.user, event);
}

static void port_log(void *user, enum gw_log_level level, const char *text) {
  gw_lws *p = user;
  p->options.log(p->options.user, level, text);
}

static bool port_may_move(void *user, enum gw_state from, enum gw_state to,
                          uint32_t code) {
  gw_lws *p = user;
  return p->options.may_move(p->options.user, from, to, code);
}

/* ---- life ------------------------------------------------------------------
 */

static bool open_context(gw_lws *p) {
  void *loops[] = {p->options.loop};
  struct lws_context_creation_info info = {
      .port = CONTEXT_PORT_NO_LISTEN,
      .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
      .foreign_loops = loops,
      .protocols = protocols,
      .retry_and_idle_policy = &no_retry,
      .client_ssl_ca_filepath = p->options.ca_file,
      .vhost_name = "godwit-client",
  };
  p->context = lws_create_context(&info);
  if (p->context == NULL) return false;
  p->vhost = lws_get_vhost_by_name(p->context, "godwit-client");
  assert(p->vhost != NULL && "it is the context's own");
  return true;
}

static bool open_client(gw_lws *p) {
  const gw_port port = {
      .open = port_open,
      .send = port_send,
      .close = port_close,
      .set_timer = port_set_timer,
      .now = port_now,
      .random = port_random,
      .event = port_event,
      .log = p->options.log != NULL ? port_log : NULL,
      .may_move = p->options.may_move != NULL ? port_may_move : NULL,
  };
  p->client = gw_client_new(&p->options.client, &port, p);
  return p->client != NULL;
}

gw_lws *gw_lws_new(const gw_lws_options *options) {
  for (size_t i = 0; i < options->client.num_endpoints; i++) {
    if (!gw_lws_endpoint_is_valid(options->client.endpoints[i], NULL)) {
      return NULL;
    }
  }
  gw_lws *p = calloc(1, sizeof *p);
  if (p == NULL) return NULL;
  p->options = *options;
  /* First what leaves nothing on the loop, which may be others', too. */
  if (!open_client(p) || !open_context(p)) {
    gw_client_free(p->client);
    free(p);
    return NULL;
  }
  (void)uv_timer_init(options->loop, &p->timer);
  (void)uv_timer_init(options->loop, &p->opener);
  p->timer.data = p->opener.data = p;
  return p;
}

gw_client *gw_lws_client(gw_lws *p) {
  return p->client;
}

bool gw_lws_is_quiet(const gw_lws *p) {
  return p->attempts == NULL && !p->has_pending;
}

void gw_lws_close(gw_lws *p) {
  if (p->client != NULL) gw_client_free(p->client);
  p->client = NULL;
  p->has_pending = false;
  uv_close((uv_handle_t *)&p->timer, NULL);
  uv_close((uv_handle_t *)&p->opener, NULL);
  /* On a foreign loop this begins, and gw_lws_free ends. */
  if (p->context != NULL) lws_context_destroy(p->context);
}

void gw_lws_free(gw_lws *p) {
  if (p == NULL) return;
  if (p->context != NULL) lws_context_destroy(p->context);
  /* Each time the first of those that are left.
   * NOLINTBEGIN(clang-analyzer-unix.Malloc) */
  while (p->attempts != NULL)
    free_attempt(p->attempts);
  /* NOLINTEND(clang-analyzer-unix.Malloc) */
  free(p);
}
