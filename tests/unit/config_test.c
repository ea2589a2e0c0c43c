/* SPDX-License-Identifier: MIT */
/* config_test.c - where each setting comes from, which source wins, and what a
 * mistake is told as. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/core/machine.h"
#include "tests/unit/support/config_rig.h"

/* ---- values ----------------------------------------------------------------
 */

static void test_defaults_are_those_of_the_core(void **state) {
  fixture *f = *state;
  load_good(f, "", "");
  const gw_config *c = &f->config;
  assert_string_equal("localhost:8000", c->listen_public);
  assert_string_equal("127.0.0.1:9000", c->listen_internal);
  assert_true(c->workers >= 1);
  assert_false(c->dev);
  assert_true(strlen(c->settings.node) > 0);
  assert_memory_equal(&gw_settings_default.limits, &c->settings.limits,
                      sizeof c->settings.limits);
  assert_int_equal(2, c->settings.num_namespaces);
  assert_string_equal("$state", c->settings.namespaces[0].name);
  assert_string_equal("", c->settings.namespaces[1].name);
  assert_int_equal(gw_settings_default.namespaces[0].history_size,
                   c->settings.namespaces[1].history_size);
}

static void test_reads_every_kind_of_value(void **state) {
  fixture *f = *state;
  load_good(f,
            "listen:\n  public: '*:8001'\n  internal: ''\n"
            "workers: 3\ndev: yes\nnode: \"n 1\"\n"
            "log: {level: debug, format: json}\n"
            "tls: {cert: c.pem, key: k.pem, min_version: 1.3}\n"
            "limits:\n  max_frame_bytes: 128KiB\n  max_queue_bytes: 2MB\n"
            "  max_presence_bytes: 512\n"
            "ping: {interval: 1m, timeout: 1500ms}\nhistory:\n  ttl: 0\n",
            "");
  const gw_config *c = &f->config;
  assert_string_equal("*:8001", c->listen_public);
  assert_string_equal("", c->listen_internal);
  assert_int_equal(3, c->workers);
  assert_true(c->dev);
  assert_string_equal("n 1", c->settings.node);
  assert_int_equal(GW_CONFIG_LOG_DEBUG, c->log_level);
  assert_int_equal(GW_CONFIG_LOG_JSON, c->log_format);
  assert_string_equal("c.pem", c->tls_cert);
  assert_string_equal("k.pem", c->tls_key);
  assert_int_equal(GW_CONFIG_TLS_1_3, c->tls_min_version);
  assert_int_equal(128 * 1024, c->settings.limits.max_frame_bytes);
  assert_int_equal(2000000, c->settings.limits.max_queue_bytes);
  assert_int_equal(512, c->settings.limits.max_presence_bytes);
  assert_int_equal(60000, c->settings.ping_interval_ms);
  assert_int_equal(1500, c->settings.ping_timeout_ms);
  assert_int_equal(0, c->settings.namespaces[1].history_ttl_ms);
}

static void assert_rate(const gw_rate *rate, uint32_t num, uint32_t per_ms,
                        uint32_t burst) {
  assert_int_equal(num, rate->num);
  assert_int_equal(per_ms, rate->per_ms);
  assert_int_equal(burst, rate->burst);
}

static void test_reads_rates(void **state) {
  fixture *f = *state;
  load_good(f,
            "limits:\n  rate:\n    connect: 10/s burst 200\n"
            "    publish: 8/s\n    rpc: 0\n    user: 90/m\n"
            "channel: {rate: 1/h}\n",
            "--limits.rate.subscribe 100/m");
  const gw_config *c = &f->config;
  const gw_rate *rates = c->settings.rates;
  assert_rate(&c->connect_rate, 10, 1000, 200);
  assert_rate(&rates[GW_OPERATION_PUBLISH], 8, 1000, 10);
  assert_int_equal(8, c->settings.limits.publish_per_second);
  assert_int_equal(0, rates[GW_OPERATION_CALL].num);
  assert_rate(&c->settings.user_rate, 90, 60000, 112);
  assert_rate(&c->settings.namespaces[0].publish_rate, 1, 3600000, 2);
  assert_rate(&rates[GW_OPERATION_SUBSCRIBE], 100, 60000, 125);
  static const char *const bad[] = {
      "5",           "/s",    "5/",   "5/d",       "5/s burst",
      "5/s burst 0", "5/s 3", "-1/s", "1000001/s", "1/s burst 1000001"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    char text[64];
    snprintf(text, sizeof text, "limits: {rate: {rpc: %s}}\n", bad[i]);
    assert_int_equal(GW_ERR_INVALID, load(f, text, ""));
    assert_non_null(strstr(f->errors, "must be like 100/s"));
  }
}

static void test_reads_lists(void **state) {
  fixture *f = *state;
  load_good(f, "origins: [https://a.org, '*.b.org']\n", "");
  assert_string_equal("https://a.org, *.b.org", f->config.origins);
  load_good(f, "origins: https://a.org same\n", "");
  assert_string_equal("https://a.org same", f->config.origins);
  load_bad(f, "origins: [a, [b]]\n", "",
           "$:1: origins: must be a list of single words");
  load_bad(f, "origins: [a b]\n", "",
           "$:1: origins: must be a list of single words");
}

static void test_sections_lie_in_sections(void **state) {
  fixture *f = *state;
  setenv("GODWIT_AUTH_JWT_ISSUER", "env", 1);
  load_good(f,
            "auth:\n  anonymous: true\n  jwt:\n    leeway: 1s\n"
            "    audience: [x, y]\n",
            "--auth.jwt.user_claim uid");
  unsetenv("GODWIT_AUTH_JWT_ISSUER");
  const gw_auth_settings *a = &f->config.auth;
  assert_true(a->anonymous);
  assert_int_equal(1000, a->leeway_ms);
  assert_string_equal("x, y", a->audience);
  assert_string_equal("env", a->issuer);
  assert_string_equal("uid", a->user_claim);
  assert_string_equal("info", a->info_claim);
  load_bad(f, "auth: {jwt: {secrt: x}}\n", "",
           "$:1: auth.jwt.secrt: there is no such key; the nearest is "
           "auth.jwt.secret");
}

static void test_empty_values_keep_the_default(void **state) {
  fixture *f = *state;
  load_good(f, "listen:\nlog:\n  level: ~\nworkers:\nnamespaces:\n# end\n", "");
  assert_string_equal("localhost:8000", f->config.listen_public);
  assert_int_equal(GW_CONFIG_LOG_INFO, f->config.log_level);
}

static void test_namespaces_begin_with_what_holds_for_all(void **state) {
  fixture *f = *state;
  load_good(f,
            "namespaces:\n"
            "  - name: room\n    history: {size: 9}\n"
            "  - {name: quiet, presence: {enabled: false}}\n"
            "  - {name: fleet, batch: {delay: 40ms, bytes: 4KiB},"
            " delta: {enabled: true, min_size: 1KiB},"
            " compression: {enabled: false}, priority: low}\n"
            "presence:\n  grace: 2s\n"
            "compression: {min_size: 2KiB}\n",
            "--history.size 5");
  const gw_settings *s = &f->config.settings;
  assert_int_equal(5, s->num_namespaces);
  const gw_namespace *fleet = gw_settings_namespace(s, gw_view_of("fleet:7"));
  const gw_namespace *room = gw_settings_namespace(s, gw_view_of("room:lobby"));
  const gw_namespace *quiet = gw_settings_namespace(s, gw_view_of("quiet:1"));
  const gw_namespace *rest = gw_settings_namespace(s, gw_view_of("roomy"));
  assert_int_equal(9, room->history_size);
  assert_int_equal(2000, room->presence_grace_ms);
  assert_int_equal(5, quiet->history_size);
  assert_false(quiet->presence);
  assert_true(rest->presence);
  assert_int_equal(5, rest->history_size);
  assert_string_equal("", rest->name);
  assert_int_equal(40, fleet->batch_delay_ms);
  assert_int_equal(4096, fleet->batch_bytes);
  assert_int_equal(0, rest->batch_delay_ms);
  assert_true(fleet->delta);
  assert_int_equal(1024, fleet->delta_min_bytes);
  assert_false(rest->delta);
  assert_int_equal(GW_DELTA_MIN_BYTES, rest->delta_min_bytes);
  assert_false(fleet->packing.on);
  assert_true(rest->packing.on);
  assert_int_equal(2048, room->packing.min_bytes);
  assert_int_equal(2048, rest->packing.min_bytes);
  assert_int_equal(GW_PRIORITY_LOW, fleet->priority);
  assert_int_equal(GW_PRIORITY_NORMAL, rest->priority);
}

/* ---- precedence ------------------------------------------------------------
 */

static void test_flags_win_over_environment_over_file(void **state) {
  fixture *f = *state;
  static const char text[] = "workers: 2\ndrain: {window: 1s, timeout: 7s}\n";
  setenv("GODWIT_WORKERS", "3", 1);
  setenv("GODWIT_DRAIN_TIMEOUT", "6s", 1);
  load_good(f, text, "--workers=4");
  unsetenv("GODWIT_WORKERS");
  unsetenv("GODWIT_DRAIN_TIMEOUT");
  assert_int_equal(4, f->config.workers);
  assert_int_equal(6000, f->config.drain_timeout_ms);
  assert_int_equal(1000, f->config.drain_window_ms);
}

/* The place of a namespace's schema: what is behind the file's name. */
static const char *place_of_schema(const fixture *f, const char *name) {
  const gw_namespace *n = gw_settings_named(&f->config.settings, name);
  const char *place = gw_config_place(&f->config, &n->schema_file);
  assert_non_null(place);
  return place;
}

static void test_texts_know_where_they_are_from(void **state) {
  fixture *f = *state;
  char schema[] = "/tmp/godwit-schema-XXXXXX", text[512], line[80];
  int fd = mkstemp(schema);
  assert_return_code(fd, 0);
  assert_int_equal(write(fd, "{}", 2), 2);
  snprintf(text, sizeof text,
           "node: a\ndata: ''\norigins: [same]\n"
           "payload: {type: json, schema: %s}\n"
           "namespaces:\n- name: as-at-top\n- name: own\n  payload:\n"
           "    schema: %s\nstatic:\n  /app: pages\n",
           schema, schema);
  setenv("GODWIT_NODE", "b", 1);
  load_good(f, text, "--origins=*");
  unsetenv("GODWIT_NODE");
  const gw_config *c = &f->config;
  assert_string_equal("GODWIT_NODE", gw_config_place_of_key(c, "node"));
  assert_string_equal("--origins", gw_config_place(c, &c->origins));
  snprintf(line, sizeof line, "%s:11", f->path);
  assert_string_equal(line, gw_config_place(c, &c->statics[0].folder));
  assert_null(gw_config_place_of_key(c, "tls.cert"));
  assert_null(gw_config_place_of_key(c, "tls.crt"));
  snprintf(line, sizeof line, "%s:4", f->path);
  assert_string_equal(line, place_of_schema(f, "as-at-top"));
  assert_string_equal(line, place_of_schema(f, ""));
  snprintf(line, sizeof line, "%s:9", f->path);
  assert_string_equal(line, place_of_schema(f, "own"));
  unlink(schema);
  close(fd);
}

static void test_schemas_are_told_once_and_by_their_place(void **state) {
  fixture *f = *state;
  load_bad(f,
           "payload:\n  type: json\n  schema: /nowhere\nnamespaces:\n"
           "- {name: a}\n- {name: b}\n",
           "",
           "$:3: payload.schema: /nowhere cannot be read: No such file or "
           "directory; give the path of a file that is there");
  load_bad(
      f,
      "namespaces:\n- {name: a, payload: {type: json, schema: /no}}\n"
      "- {name: b, payload: {type: json, schema: /}}\n",
      "",
      "$:2: payload.schema: /no cannot be read: No such file or directory; "
      "give the path of a file that is there\n"
      "$:3: payload.schema: / cannot be read: Is a directory; give a file, "
      "not a folder");
  gw_config_deinit(&f->config);
  assert_int_equal(0, gw_config_load_bare(&f->config, f->path, stderr));
  assert_null(gw_settings_named(&f->config.settings, "a")->schema);
}

static void test_shared_state_is_a_map_whatever_is_said(void **state) {
  fixture *f = *state;
  load_good(f,
            "history: {size: 0}\nchannel: {wildcards: true, lifetime: 1h}\n"
            "payload: {type: json}\n",
            "");
  const gw_namespace *n =
      gw_settings_namespace(&f->config.settings, gw_view_of("$state:user:a"));
  assert_string_equal("$state", n->name);
  assert_int_equal(GW_HISTORY_MAP, n->history_mode);
  assert_int_equal(1000, n->history_size);
  assert_int_equal(0, n->lifetime_ms);
  assert_int_equal(GW_TAKES_ANY, n->payload);
  assert_false(n->wildcards);
  load_good(f,
            "namespaces:\n- name: $state\n  history: {mode: stream, size: 5}\n"
            "  allow: {publish: user}\n",
            "");
  n = gw_settings_namespace(&f->config.settings, gw_view_of("$state:user:a"));
  assert_int_equal(2, f->config.settings.num_namespaces);
  assert_int_equal(GW_HISTORY_MAP, n->history_mode);
  assert_int_equal(5, n->history_size);
  assert_int_equal(GW_WHO_USER, n->allow[GW_ACTION_PUBLISH].who);
}

#define ORDER                                                        \
  "machines:\n- name: order\n  attach: channel\n  namespace: shop\n" \
  "  states: [cart, paid, shipped]\n"

static void test_machines_are_read_from_file_and_flags(void **state) {
  fixture *f = *state;
  load_good(f,
            ORDER "  initial: cart\n  transitions:\n"
                  "  - {from: cart, to: paid, who: user}\n"
                  "  - {from: paid, to: cart, after: 1h}\n"
                  "  - {from: [cart, paid], to: shipped, who: nobody}\n"
                  "namespaces: [{name: shop}]\n",
            "");
  const gw_settings *s = &f->config.settings;
  assert_int_equal(1, s->num_machines);
  const gw_machine *m = &s->machines[0];
  assert_string_equal("order", m->name);
  assert_string_equal("shop", m->space);
  assert_int_equal(GWS_SCOPE_CHANNEL, m->scope);
  assert_int_equal(4, m->num_transitions);
  assert_int_equal(GW_WHO_USER, m->transitions[0].who);
  assert_int_equal(3600000, m->transitions[1].after_ms);
  assert_int_equal(0, m->transitions[1].who);
  assert_int_equal(1, m->transitions[3].from);
  assert_int_equal(2, m->transitions[3].to);
  load_good(f,
            "machines: [{name: y, attach: user, states: [a], transitions: []}]",
            "--machines=[{\"name\":\"x\",\"attach\":\"user\",\"states\":"
            "[\"a\"],\"transitions\":[]}]");
  assert_string_equal("x", f->config.settings.machines[0].name);
}

static void test_machines_that_make_no_sense(void **state) {
  fixture *f = *state;
  load_bad(f, "machines: x\n", "", "$:1: machines: must be a list");
  load_bad(f, "machines: [5, {nam: a}]\n", "",
           "$:1: machines[0]: must hold keys and values\n"
           "$:1: machines[1].nam: there is no such key; the nearest is name\n"
           "$:1: machines[1].name: is missing\n"
           "$:1: machines[1].attach: is missing\n"
           "$:1: machines[1].states: is missing\n"
           "$:1: machines[1].transitions: is missing");
  load_bad(f, ORDER "  transitions: [{from: cart, to: paid}]\n", "",
           "$:2: machines[0].states: nothing leads from 'cart' to 'shipped'");
  load_bad(
      f,
      ORDER "  transitions:\n  - {from: carts, to: paid}\n"
            "  - {from: cart, to: gone}\n  - {to: paid}\n"
            "  - {from: cart, to: paid, who: token}\n"
            "  - {from: cart, to: shipped, after: 0}\n"
            "  - {from: \"*\", to: shipped, after: 1s}\n"
            "  - {from: cart, to: shipped, after: 1s}\n"
            "  - {from: cart, to: cart, after: 1s}\n"
            "  - {from: cart, to: shipped}\n",
      "",
      "$:7: machines[0].transitions[0].from: there is no state 'carts'\n"
      "$:8: machines[0].transitions[1].to: there is no state 'gone'\n"
      "$:9: machines[0].transitions[2].from: is missing\n"
      "$:10: machines[0].transitions[3].who: 'token' must be anyone, user "
      "or nobody\n"
      "$:11: machines[0].transitions[4].after: '0' must be a time with its "
      "unit (ms, s, m, h, d) from 10ms to 30d\n"
      "$:12: machines[0].transitions[5].after: goes with a state to leave, "
      "not with *\n"
      "$:13: machines[0].transitions[6]: there is another one to 'shipped' "
      "from there\n"
      "$:15: machines[0].transitions[8]: there is another one to 'shipped' "
      "from there");
  load_bad(f,
           ORDER "  transitions:\n  - {from: cart, to: paid, after: 1s}\n"
                 "  - {from: cart, to: shipped, after: 1s}\n",
           "",
           "$:8: machines[0].transitions[1].after: the state leaves by itself "
           "already, to 'paid'");
  load_bad(f,
           ORDER "  transitions: [{from: \"*\", to: paid}, "
                 "{from: paid, to: shipped}]\n",
           "", "machines: order: there is no namespace 'shop'");
}

static void test_lists_of_namespaces_replace_each_other(void **state) {
  fixture *f = *state;
  static const char text[] = "namespaces: [{name: file}]\n";
  load_good(f, text, "");
  assert_string_equal("file", f->config.settings.namespaces[0].name);
  setenv("GODWIT_NAMESPACES", "[{name: env}]", 1);
  load_good(f, text, "");
  assert_string_equal("env", f->config.settings.namespaces[0].name);
  load_good(f, text, "--namespaces=[{\"name\":\"flag\"}]");
  assert_string_equal("flag", f->config.settings.namespaces[0].name);
  assert_int_equal(3, f->config.settings.num_namespaces);
  unsetenv("GODWIT_NAMESPACES");
}

static void test_truth_flags_need_no_value(void **state) {
  fixture *f = *state;
  load_good(f, "", "--dev --workers 1");
  assert_true(f->config.dev);
  load_good(f, "", "--dev false --workers 1");
  assert_false(f->config.dev);
  load_good(f, "dev: true", "--dev=no");
  assert_false(f->config.dev);
}

static void test_file_comes_from_the_environment_too(void **state) {
  fixture *f = *state;
  write_file(f, "workers: 7\n");
  setenv("GODWIT_CONFIG", f->path, 1);
  assert_int_equal(0, gw_config_load(&f->config, 0, NULL, stderr));
  unsetenv("GODWIT_CONFIG");
  assert_int_equal(7, f->config.workers);
}

/* ---- mistakes --------------------------------------------------------------
 */

static void test_unknown_keys_name_line_and_nearest(void **state) {
  fixture *f = *state;
  load_bad(f, "workers: 1\nlog:\n  levl: info\n", "",
           "$:3: log.levl: there is no such key; the nearest is log.level");
  load_bad(f, "\npnig: {interval: 1s}\n", "",
           "$:2: pnig: there is no such key; the nearest is ping");
  load_bad(f, "level: info\n", "",
           "$:1: level: there is no such key; the nearest is log.level");
  load_bad(f, "namespaces:\n  - name: a\n    histroy: {size: 1}\n", "",
           "$:3: namespaces[0].histroy: there is no such key; the nearest is "
           "history");
  load_bad(f, "", "--lisen.public x",
           "--lisen.public: there is no such flag; the nearest is "
           "--listen.public");
  load_bad(f, "", "--listen x",
           "--listen: is a section: its keys are --listen.KEY (see --help)");
}

static void test_nearly_known_variables_are_mistakes(void **state) {
  fixture *f = *state;
  setenv("GODWIT_LISTEN_PUBLC", "localhost:1", 1);
  load_bad(f, "", "",
           "GODWIT_LISTEN_PUBLC: there is no such key; the nearest is "
           "GODWIT_LISTEN_PUBLIC");
  unsetenv("GODWIT_LISTEN_PUBLC");
  setenv("GODWIT_SERVICE_HOST", "10.0.0.1", 1);
  setenv("GODWIT_PORT_8000_TCP", "tcp://10.0.0.1:8000", 1);
  load_good(f, "", "");
  unsetenv("GODWIT_SERVICE_HOST");
  unsetenv("GODWIT_PORT_8000_TCP");
}

static void test_ranges_name_key_value_and_what_is_allowed(void **state) {
  fixture *f = *state;
  load_bad(f, "workers: 1000\n", "",
           "$:1: workers: '1000' must be a whole number from 0 to 256");
  load_bad(f, "\n\nping:\n  interval: 10\n", "",
           "$:4: ping.interval: '10' must be a time with its unit (ms, s, m, "
           "h, d) from 1s to 2m");
  load_bad(f, "", "--limits.max_frame_bytes 99999999999999999999",
           "--limits.max_frame_bytes: limits.max_frame_bytes: "
           "'99999999999999999999' must be a size (bytes, KiB, MiB, GiB) from "
           "1KiB to 16MiB");
  load_bad(f, "log: {level: loud}\n", "",
           "$:1: log.level: 'loud' must be error, warn, info or debug");
  load_bad(f, "dev: maybe\n", "", "$:1: dev: 'maybe' must be true or false");
  load_bad(f, "listen: {public: localhost}\n", "",
           "$:1: listen.public: 'localhost' must be HOST:PORT with a port from "
           "0 to 65535, such as localhost:8000, *:8000 or [::1]:8000, or "
           "unix:/PATH");
}

/** The default namespace. */
static const gw_namespace *space_of(const fixture *f) {
  return &f->config.settings.namespaces[f->config.settings.num_namespaces - 1];
}

static void expect_text(fixture *f, const char *path, const char *text) {
  char space[GW__VALUE_MAX];
  void *at = NULL;
  gw__targets t = gw__targets_of(&f->config);
  const gw__key *key = gw__targets_find(&t, path, &at);
  assert_non_null(key);
  assert_string_equal(gw__value_text(key, at, space), text);
}

/** With it, rules may name tokens. */
#define SECRET "--auth.jwt.secret 0123456789abcdef0123456789abcdef"

static void test_lists_are_read_and_written(void **state) {
  fixture *f = *state;
  load_good(f, "presence: {states: \"online,away  busy\"}\n", "");
  expect_text(f, "presence.states", "online, away, busy");
  assert_true(gw_words_has(&space_of(f)->presence_states, gw_view_of("away")));
  load_good(
      f, "presence:\n  transitions: online 300s away ,away 30m offline,\n", "");
  expect_text(f, "presence.transitions", "online 5m away, away 30m offline");
  assert_int_equal(space_of(f)->presence_transitions.num, 2);
  assert_int_equal(space_of(f)->presence_transitions.items[0].after_ms, 300000);
  load_good(f, "channel:\n  group: team:{1}\n", "");
  expect_text(f, "channel.group", "team:{1}");
  load_good(f, "allow:\n  publish: token role:editor, member\n", SECRET);
  expect_text(f, "allow.publish", "token, member, role:editor");
  load_good(f, "", "--send.to_user user --dev");
  assert_int_equal(f->config.settings.send[GW_ADDRESS_USER].who, GW_WHO_USER);
  assert_true(f->config.settings.trusts_names);
}

static void test_lists_that_are_not_right(void **state) {
  fixture *f = *state;
  static const char *const transitions[] = {"online 5m",
                                            "online 5 away",
                                            "online 5m away x",
                                            "offline 5m away",
                                            "a 1s b, b 1s c, c 1s a",
                                            "a 1s b, a 2s c",
                                            "a 1s a",
                                            "a 0ms b"};
  for (size_t i = 0; i < sizeof transitions / sizeof transitions[0]; i++) {
    char text[128];
    (void)snprintf(text, sizeof text, "presence: {transitions: \"%s\"}\n",
                   transitions[i]);
    write_file(f, text);
    assert_int_equal(load(f, text, ""), GW_ERR_INVALID);
    assert_non_null(strstr(f->errors, "FROM TIME TO"));
  }
  load_bad(f, "presence: {states: a a}\n", "",
           "$:1: presence.states: 'a a' must be words of up to 64 bytes, each "
           "once, 256 bytes in all, such as online, away, busy");
  load_bad(f, "channel: {group: \"t:{12}\"}\n", "",
           "$:1: channel.group: 't:{12}' must be the name of a group, in which "
           "{0} to {9} are parts of the channel's name between colons, such as "
           "team:{1}");
  load_bad(f, "allow: {publish: \"member, role:\"}\n", "",
           "$:1: allow.publish: 'member, role:' must be nobody, or one or more "
           "of anyone, user, subscriber, token, hook, member, role:NAME");
  load_bad(
      f, "send: {to_user: hook}\n", "",
      "$:1: send.to_user: 'hook' must be nobody, or one or more of anyone, "
      "user");
  load_bad(f, "presence: {large: ids}\n", "",
           "presence.large: must be counts or sampled");
  load_bad(f,
           "presence: {states: online}\nnamespaces:\n- name: a\n"
           "  presence: {transitions: online 1m away}\n",
           "",
           "presence.transitions: namespace a: 'away' is none of "
           "presence.states");
}

static void test_every_mistake_is_told_at_once(void **state) {
  fixture *f = *state;
  setenv("GODWIT_WORKERS", "x", 1);
  load_bad(f,
           "workrs: 1\nlog: 5\nhistory: {size: [1]}\nworkers: 1\nworkers: 2\n",
           "--dev=5 word --node",
           "$:1: workrs: there is no such key; the nearest is workers\n"
           "$:2: log: must be a section with keys in it\n"
           "$:3: history.size: must be a single value\n"
           "$:5: workers: given twice, first in line 4\n"
           "GODWIT_WORKERS: workers: 'x' must be a whole number from 0 to 256\n"
           "--dev: dev: '5' must be true or false\n"
           "word: is no flag; they are --KEY VALUE\n"
           "--node: needs a value");
  unsetenv("GODWIT_WORKERS");
}

static void test_bad_namespaces(void **state) {
  fixture *f = *state;
  load_bad(f,
           "namespaces:\n- 5\n- {}\n- name: a:b\n- name: a\n- name: a\n"
           "- name: [x]\n- name: b\n  presence: {grace: 1d}\n",
           "",
           "$:2: namespaces[0]: must hold keys and values\n"
           "$:3: namespaces[1]: has no name\n"
           "$:4: namespaces[2].name: 'a:b' must be 1 to 64 characters without "
           "a colon or a blank\n"
           "$:6: namespaces[4].name: there is another 'a'\n"
           "$:7: namespaces[5].name: '' must be 1 to 64 characters without a "
           "colon or a blank\n"
           "$:9: presence.grace: '1d' must be a time with its unit (ms, s, m, "
           "h, d) from 0 to 10m");
  load_bad(f, "namespaces: room\n", "", "$:1: namespaces: must be a list");
  load_bad(f, "", "--namespaces=room",
           "--namespaces: namespaces: must be a list, such as [{name: room, "
           "history: {size: 100}}]");
}

static void test_broken_files(void **state) {
  fixture *f = *state;
  load_bad(f, "workers: [1\nlog: 2\n", "",
           "$:2: not YAML: did not find expected ',' or ']' while parsing a "
           "flow sequence");
  load_bad(f, "workers: 1\n---\nworkers: 2\n", "",
           "$: holds more than one document");
  load_bad(f, "- 1\n", "",
           "$:1: must hold keys and values, such as workers: 2");
  load_bad(f, "? [a]\n: 1\n", "", "$:1: a key must be a single word");
  load_bad(f, "node: \"a\\0b\"\n", "", "$:1: node: must be a single value");
  load_bad(f, "a: &x {b: *x}\n", "",
           "$:1: a: there is no such key; the nearest is api");
  load_bad(f, "", "--config /nowhere.yaml",
           "/nowhere.yaml: cannot be read: No such file or directory");
  load_bad(f, "", "--config /tmp", "/tmp: cannot be read");
}

static void test_hooks_are_found_out(void **state) {
  fixture *f = *state;
  load_good(f,
            "hooks: {url: 'http://a/h', use: 'connect, rpc', "
            "subscribe: 'https://b/s', subscribe_timeout: 5s, "
            "connect_when_down: cached}\n"
            "allow: {subscribe: hook}\n",
            "");
  const gw_config_hooks *h = &f->config.hooks;
  assert_true(h->of[GW_HOOK_CONNECT].is_used);
  assert_true(h->of[GW_HOOK_RPC].is_used);
  assert_true(h->of[GW_HOOK_SUBSCRIBE].is_used);
  assert_false(h->of[GW_HOOK_PUBLISH].is_used);
  assert_int_equal(GW_DOWN_CACHED, h->of[GW_HOOK_CONNECT].when_down);
  assert_int_equal(5000, h->of[GW_HOOK_SUBSCRIBE].timeout_ms);
}

static void test_hooks_that_make_no_sense(void **state) {
  fixture *f = *state;
  load_bad(f, "hooks: {url: 'http://a', use: 'connect dance'}\n", "",
           "hooks.use: 'dance' is no hook; the nearest is rpc");
  load_bad(f, "hooks: {url: 'http://a', use: 'conect'}\n", "",
           "hooks.use: 'conect' is no hook; the nearest is connect");
  load_bad(f, "hooks: {url: 'http://a'}\n", "",
           "hooks.use: names no hook that goes to hooks.url");
  load_bad(f, "hooks: {rpc: 'ftp://a'}\n", "",
           "hooks.rpc: 'ftp://a' must begin with http:// or https://");
  load_bad(f, "hooks: {use: rpc}\n", "",
           "hooks.rpc: is used, but has no URL, as hooks.url has none");
  load_bad(f, "allow: {publish: 'user, hook'}\n", "",
           "allow.publish: says hook, but the hook publish is not used: see "
           "hooks.use");
}

static void test_keys_that_contradict_each_other(void **state) {
  fixture *f = *state;
  load_bad(f, "drain: {window: 9s, timeout: 8s}\n", "",
           "drain.timeout: must not be below drain.window");
  load_bad(f, "limits: {max_message_bytes: 2KiB}\n", "",
           "limits.max_message_bytes: must not be below "
           "limits.max_frame_bytes, as a message holds whole frames");
  load_bad(f,
           "namespaces: [{name: a, batch: {delay: 1s, bytes: 128KiB}}]\n"
           "limits: {max_queue_bytes: 64KiB}\n",
           "",
           "batch.bytes: must not be above limits.max_queue_bytes, or one "
           "batch cuts its readers");
  load_bad(f, "tls: {cert: a.pem}\n", "",
           "tls.key: is missing, as tls.cert is given: TLS needs both");
  load_bad(f, "tls: {key: a.pem}\n", "",
           "tls.cert: is missing, as tls.key is given: TLS needs both");
  load_bad(f, "tls: {min_version: 1.1}\n", "",
           "$:1: tls.min_version: '1.1' must be 1.2 or 1.3");
  load_bad(f, "data: /var/lib/godwit\n", "",
           "data: this version has no durable store yet and keeps everything "
           "in memory; leave the key out");
}

static void test_what_access_does_not_let_pass(void **state) {
  fixture *f = *state;
  load_bad(f, "origins: https://a.org/path\n", "",
           "origins: 'https://a.org/path' must be like "
           "https://app.example.org, https://*.example.org, *.example.org, "
           "same, localhost, null or *");
  load_bad(f, "auth: {cookie: session}\n", "",
           "auth.cookie: needs a key under auth.jwt that the token in it is "
           "checked with");
  load_bad(f, "auth: {cookie: session}\norigins: [a.org, '*']\n", SECRET,
           "auth.cookie: needs a list of origins: with * or null any page "
           "could act as a user who is logged in");
  load_bad(f, "auth: {cookie: a;b}\n", SECRET,
           "auth.cookie: 'a;b' cannot be the name of a cookie");
  load_good(f, "auth: {cookie: session}\n", SECRET);
  load_bad(f, "namespaces: [{name: a, allow: {publish: token}}]\n", "",
           "allow: of namespace a: rules name token, but nothing under "
           "auth.jwt can check one");
  load_good(f, "allow: {publish: token}\n", SECRET);
  load_bad(f, "auth: {jwt: {secret: short}}\n", "",
           "auth.jwt.secret: the secret must have 32 to 4096 bytes; `openssl "
           "rand -base64 48` makes one");
  load_bad(f, "auth: {jwt: {algorithms: [HS256, none]}}\n", SECRET,
           "auth.jwt.algorithms: 'none' is none; there are HS256, HS384, "
           "HS512, RS..., PS..., ES... and EdDSA");
  load_bad(f, "auth: {jwt: {jwks_url: 'https://a:b@c.org/'}}\n", "",
           "auth.jwt.jwks_url: must begin with http:// or https://, and hold "
           "no user or password");
  load_bad(f, "auth: {jwt: {jwks_min_age: 2h, jwks_max_age: 1h}}\n", "",
           "auth.jwt.jwks_max_age: must not be below auth.jwt.jwks_min_age");
}

/** A mistake in a secret does not print it. */
static void test_secrets_are_not_told(void **state) {
  fixture *f = *state;
  load_bad(f, "api: {keys: [0123456789abcdef, tooshort]}\n", "",
           "api.keys: key 2 must have 16 to 256 characters, or be sha256: and "
           "64 hexadecimal digits");
}

/* ---- addresses, likeness, printing ------------------------------------------
 */

static void test_addresses(void **state) {
  (void)state;
  char host[GW_CONFIG_HOST_MAX];
  uint16_t port;
  assert_int_equal(0, gw_config_address("[::1]:0", host, &port));
  assert_string_equal("::1", host);
  assert_int_equal(0, port);
  assert_int_equal(0, gw_config_address("*:65535", host, &port));
  assert_string_equal("*", host);
  assert_int_equal(65535, port);
  static const char *const bad[] = {
      "",       ":1",      "a",       "a:",   "a:-1", "a:65536",
      "::1:80", "[::1:80", "::1]:80", "a:1x", "[]:1", "a b:1"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    if (gw_config_address(bad[i], host, &port) == 0) fail_msg("%s", bad[i]);
  }
}

static void test_edit_distance(void **state) {
  (void)state;
  assert_int_equal(0, gw__edit_distance("", "", SIZE_MAX));
  assert_int_equal(3, gw__edit_distance("", "abc", SIZE_MAX));
  assert_int_equal(1, gw__edit_distance("level", "levl", SIZE_MAX));
  assert_int_equal(1, gw__edit_distance("ping", "pnig", SIZE_MAX));
  assert_int_equal(0, gw__edit_distance("Level", "level", SIZE_MAX));
  assert_int_equal(3, gw__edit_distance("kitten", "sitting", SIZE_MAX));
  for (size_t limit = 0; limit <= 4; limit++) {
    size_t shown = limit < 3 ? limit : 3;
    assert_int_equal(shown, gw__edit_distance("kitten", "sitting", limit));
    assert_int_equal(limit < 2 ? limit : 2,
                     gw__edit_distance("badc", "abcd", limit));
    assert_int_equal(shown, gw__edit_distance("abc", "", limit));
  }
}

/** Every field as text, for both tables. */
static void describe(const gw_config *c, char *text, size_t size) {
  gw__targets t = gw__targets_of((gw_config *)(uintptr_t)c);
  size_t len = 0;
  for (size_t i = 0; i < GW__TARGETS_MAX; i++) {
    for (const gw__key *k = t.of[i].keys; k->path != NULL; k++) {
      char space[GW__VALUE_MAX];
      len += (size_t)snprintf(text + len, size - len, "%s=%s\n", k->path,
                              gw__value_text(k, t.of[i].at, space));
    }
  }
}

static void test_printed_default_loads_to_the_defaults(void **state) {
  fixture *f = *state;
  char before[16384], after[16384];
  load_good(f, "", "");
  describe(&f->config, before, sizeof before);
  FILE *file = fopen(f->path, "w");
  gw_config_print_default(file);
  fclose(file);
  gw_config_deinit(&f->config);
  assert_int_equal(0, gw_config_load_file(&f->config, f->path, stderr));
  describe(&f->config, after, sizeof after);
  assert_string_equal(before, after);
}

static void test_every_key_is_printed(void **state) {
  (void)state;
  char *texts[3];
  size_t len;
  static void (*const print[])(FILE *) = {
      gw_config_print_default, gw_config_print_schema, gw_config_print_flags};
  for (size_t i = 0; i < 3; i++) {
    FILE *to = open_memstream(&texts[i], &len);
    print[i](to);
    fclose(to);
    for (const gw__key *k = gw__config_keys; k->path != NULL; k++) {
      const char *dot = strrchr(k->path, '.');
      assert_non_null(strstr(texts[i], dot != NULL ? dot + 1 : k->path));
    }
    free(texts[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_defaults_are_those_of_the_core),
      TEST(test_reads_every_kind_of_value),
      TEST(test_reads_rates),
      TEST(test_reads_lists),
      TEST(test_sections_lie_in_sections),
      TEST(test_empty_values_keep_the_default),
      TEST(test_namespaces_begin_with_what_holds_for_all),
      TEST(test_flags_win_over_environment_over_file),
      TEST(test_texts_know_where_they_are_from),
      TEST(test_schemas_are_told_once_and_by_their_place),
      TEST(test_shared_state_is_a_map_whatever_is_said),
      TEST(test_machines_are_read_from_file_and_flags),
      TEST(test_machines_that_make_no_sense),
      TEST(test_lists_of_namespaces_replace_each_other),
      TEST(test_truth_flags_need_no_value),
      TEST(test_file_comes_from_the_environment_too),
      TEST(test_unknown_keys_name_line_and_nearest),
      TEST(test_nearly_known_variables_are_mistakes),
      TEST(test_ranges_name_key_value_and_what_is_allowed),
      TEST(test_lists_are_read_and_written),
      TEST(test_lists_that_are_not_right),
      TEST(test_every_mistake_is_told_at_once),
      TEST(test_bad_namespaces),
      TEST(test_broken_files),
      TEST(test_hooks_are_found_out),
      TEST(test_hooks_that_make_no_sense),
      TEST(test_keys_that_contradict_each_other),
      TEST(test_what_access_does_not_let_pass),
      TEST(test_secrets_are_not_told),
      cmocka_unit_test(test_addresses),
      cmocka_unit_test(test_edit_distance),
      TEST(test_printed_default_loads_to_the_defaults),
      cmocka_unit_test(test_every_key_is_printed),
  };
  /* What the surroundings say is not what is tested. */
  unsetenv("GODWIT_CONFIG");
  return cmocka_run_group_tests(tests, NULL, NULL);
}
