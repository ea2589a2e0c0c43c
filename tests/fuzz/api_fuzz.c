/* SPDX-License-Identifier: MIT */
/* api_fuzz.c - any bodies for the methods of the API, one after the other, asked
 * of a node that has clients. The input is lines of a method's name, a blank and
 * JSON; behind a first byte 'p', one name, a line end and an encoded message.
 * A line that begins with ~ is asked by a client, as a remote call. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/api.h"
#include "tests/fuzz/support/node.h"

/* Replies to one input, and the room for a request. */
#define MAX_ASKED   64u
#define SPACE_BYTES (64u * 1024u)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct asked {
  const gw_api_method *method;
  unsigned num_replies;
} asked[MAX_ASKED];
static unsigned num_asked;

static void on_reply(void *arg, uint32_t code, gw_view message, gw_view reply) {
  struct asked *a = arg;
  size_t len = 0;
  must(++a->num_replies == 1);
  must(strcmp(gw_code_name(code), "UNKNOWN") != 0);
  must(message.len <= GW_MAX_REASON_BYTES && gw_view_is_text(message));
  if (code != GW_CODE_OK || a->method == NULL) return;
  char *json = gw_api_reply_to_json(a->method, reply, &len);
  must(json != NULL);
  json_t *value = json_loadb(json, len, JSON_ALLOW_NUL, NULL);
  must(json_is_object(value));
  json_decref(value);
  free(json);
}

static void ask(gw_view name, gw_view body, bool is_json) {
  static uint8_t space[SPACE_BYTES];
  char why[GW_MAX_REASON_BYTES + 1] = "";
  gw_out out = {space, 0, sizeof space};
  const gw_api_method *m = gw_api_find(name);
  gw_caller caller = {.is_trusted = true};
  if (num_asked == MAX_ASKED) return;
  if (m != NULL && is_json) {
    if (gw_api_request_from_json(m, body, &out, why) < 0) {
      must(why[0] == '\0' || gw_view_is_text(gw_view_of(why)));
      return;
    }
    body = (gw_view){out.data, out.len};
  }
  struct asked *a = &asked[num_asked++];
  *a = (struct asked){.method = m};
  gw_hub_api(node.hubs[num_asked % FUZZ_WORKERS], name, &caller, body, on_reply,
             a);
}

static void call(gw_view name, gw_view body) {
  uint8_t bytes[1200];
  char method[64];
  gw_out out = {bytes, 0, sizeof bytes};
  gw_head head = {.type = GW_FRAME_RPC, .request = 10u + num_asked};
  int len =
      snprintf(method, sizeof method, "godwit.%.*s",
               (int)(name.len < 40 ? name.len : 40), (const char *)name.data);
  gw_rpc m = {.method = {(const uint8_t *)method, (size_t)len}, .json = body};
  if (gw_encode_rpc(&out, &head, &m) == 0)
    fuzz_conn_feed(num_asked % 2, (gw_view){out.data, out.len}, true);
}

static void line(gw_view text) {
  bool is_client = text.len > 0 && text.data[0] == '~';
  if (is_client) text = (gw_view){text.data + 1, text.len - 1};
  const uint8_t *blank = memchr(text.data, ' ', text.len);
  gw_view name = {text.data, blank ? (size_t)(blank - text.data) : text.len};
  gw_view body = {text.data + name.len, text.len - name.len};
  if (is_client)
    call(name, body);
  else
    ask(name, body, true);
}

static void lines(gw_view text) {
  while (text.len > 0) {
    const uint8_t *end = memchr(text.data, '\n', text.len);
    size_t len = end != NULL ? (size_t)(end - text.data) : text.len;
    if (len > 0) line((gw_view){text.data, len});
    fuzz_node_settle();
    fuzz_node_pass(50);
    fuzz_node_settle();
    if (end != NULL) len++;
    text = (gw_view){text.data + len, text.len - len};
  }
}

static void encoded(gw_view text) {
  const uint8_t *end = memchr(text.data, '\n', text.len);
  if (end == NULL) return;
  size_t len = (size_t)(end - text.data);
  ask((gw_view){text.data, len}, (gw_view){end + 1, text.len - len - 1}, false);
  fuzz_node_settle();
}

/** Two clients, one of them in a channel, with a presence. */
static void begin(void) {
  uint8_t bytes[400];
  fuzz_node_init();
  node.settings.limits.max_queue_bytes = 20000;
  node.settings.trusts_names = true;
  fuzz_node_begin();
  num_asked = 0;
  for (unsigned i = 0; i < 2; i++) {
    uint8_t instance[GW_INSTANCE_BYTES] = {(uint8_t)(i + 1)};
    gw_out out = {bytes, 0, sizeof bytes};
    gw_hello hello = {.version = GW_PROTOCOL_VERSION,
                      .instance = {instance, sizeof instance},
                      .user = gw_view_of(i == 0 ? "u0" : "u1")};
    gw_subscribe sub = {.channel = gw_view_of("a"), .presence = true};
    gw_presence_set set = {.state = gw_view_of("online")};
    must(gw_encode_hello(&out, &(gw_head){GW_FRAME_HELLO, 0, 1, 0}, &hello) ==
             0 &&
         gw_encode_subscribe(
             &out, &(gw_head){GW_FRAME_SUBSCRIBE, GW_FLAG_ALIAS, 2, 1}, &sub) ==
             0 &&
         gw_encode_presence_set(
             &out, &(gw_head){GW_FRAME_PRESENCE_SET, GW_FLAG_ALIAS, 3, 1},
             &set) == 0);
    fuzz_conn_open(i, GW_ENCODING_BINARY);
    fuzz_conn_feed(i, (gw_view){bytes, out.len}, true);
    fuzz_node_settle();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0 || size > SPACE_BYTES / 2) return 0;
  gw_view rest = {data + 1, size - 1};
  begin();
  if (data[0] == 'p')
    encoded(rest);
  else
    lines((gw_view){data, size});
  fuzz_node_pass(70000); /* what waited for a client was told by now */
  fuzz_node_settle();
  for (unsigned i = 0; i < num_asked; i++)
    must(asked[i].num_replies == 1);
  fuzz_node_end();
  return 0;
}
