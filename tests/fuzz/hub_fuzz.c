/* SPDX-License-Identifier: MIT */
/* hub_fuzz.c - a node of two workers and what its peers may do to it: any bytes
 * in any order, connections that come, stall and go, time that passes. The
 * input is a list of steps, each a byte that says what and a byte that says who
 * or how much; bytes to feed follow with their number in front. */
#include "tests/fuzz/support/node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- steps --------------------------------------------------------------- */

static void say_hello(unsigned i, uint8_t who, bool is_json, bool has_credit) {
  static const char line[] = "{\"id\":1,\"hello\":{\"version\":1,\"instance\":"
                             "\"AAECAwQFBgcICQoLDA0ODw==\"}}\n";
  uint8_t bytes[128], instance[GW_INSTANCE_BYTES] = {who};
  gw_out out = {bytes, 0, sizeof bytes};
  gw_head head = {.type = GW_FRAME_HELLO, .request = 1};
  gw_hello m = {.version = GW_PROTOCOL_VERSION,
                .features = has_credit ? GW_FEATURE_CREDIT : 0,
                .credit_bytes = 300,
                .instance = {instance, sizeof instance},
                .token = gw_view_of(who % 2 == 0 ? "g0" : "s1"),
                .user = gw_view_of(who % 2 == 0 ? "u0" : "u1")};
  must(gw_encode_hello(&out, &head, &m) == 0);
  gw_view hello = {bytes, out.len};
  if (is_json) hello = gw_view_of(line);
  fuzz_conn_feed(i, hello, true);
}

static void open_conn(unsigned i, uint8_t how) {
  bool is_json = (how & 8) != 0;
  fuzz_conn_open(i, is_json ? GW_ENCODING_JSON : GW_ENCODING_BINARY);
  if ((how & 16) == 0) say_hello(i, how & 3, is_json, (how & 4) != 0);
}

/** Feed the next bytes of the input. Returns how many. */
static size_t feed(unsigned i, gw_view rest, bool end_of_message) {
  if (rest.len == 0) return 0;
  size_t len = rest.data[0];
  if (len > rest.len - 1) len = rest.len - 1;
  fuzz_conn_feed(i, (gw_view){rest.data + 1, len}, end_of_message);
  return len + 1;
}

static bool on_call(void *user, gw_hub *h, gw_call call, const gw_rpc *rpc,
                    uint64_t client, gw_view client_user) {
  (void)user, (void)client, (void)client_user;
  gw_rpc_result result = {rpc->data, rpc->json};
  if (rpc->method.len % 2 == 0)
    gw_hub_answer(h, call, GW_CODE_OK, (gw_view){NULL, 0}, &result);
  return rpc->method.len != 3;
}

/** What happens to all of it at once. */
static void happen(uint8_t what) {
  if (what == 255) gw_hub_drain(node.hubs[0], 1000);
  if (what == 254) node.asks = true;
  if (what == 253) fuzz_node_decide(true);
  if (what == 252) fuzz_node_decide(false);
  if (what == 251) node.holds_mail = !node.holds_mail;
}

static size_t step(uint8_t what, uint8_t how, gw_view rest) {
  unsigned i = how % FUZZ_CONNS;
  switch (what % 8) {
  case 0:
  case 1:
  case 2:
    return feed(i, rest, what % 8 != 2);
  case 3:
    open_conn(i, what >> 3);
    break;
  case 4:
    fuzz_conn_drop(i, how & 64 ? 4000 + GW_CODE_CLOSED : 0);
    break;
  case 5:
    node.conns[i].is_stalled = !node.conns[i].is_stalled;
    break;
  case 6:
    fuzz_node_pass((uint64_t)how << (what >> 4));
    break;
  default:
    happen(how);
  }
  return 0;
}

/* ---- run ----------------------------------------------------------------- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_node_init();
  fuzz_node_begin();
  for (unsigned w = 0; w < FUZZ_WORKERS; w++)
    gw_hub_set_on_call(node.hubs[w], on_call, NULL);
  for (unsigned i = 0; i < FUZZ_CONNS; i++)
    open_conn(i, (uint8_t)(i % 3));
  gw_view rest = {data, size};
  while (rest.len >= 2) {
    gw_view after = {rest.data + 2, rest.len - 2};
    size_t used = step(rest.data[0], rest.data[1], after);
    rest = (gw_view){after.data + used, after.len - used};
    fuzz_node_settle();
  }
  fuzz_node_end();
  return 0;
}
