/* SPDX-License-Identifier: MIT */
/* token.c - `godwit token`: make tokens to develop with, check others, and make
 * API keys. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/auth/api_keys.h"
#include "server/auth/fetch.h"
#include "server/auth/jws.h"
#include "server/auth/keystore.h"
#include "server/auth/signer.h"
#include "server/auth/token.h"
#include "server/cli/cmd.h"
#include "server/cli/options.h"
#include "server/config/config.h"

#define DEFAULT_TTL_MS (60u * 60u * 1000u)
#define KEY_FILE_MAX   (64u * 1024u)

static const char about[] =
    "Makes a token, signed by a key of your own or by the secret of the\n"
    "configuration (auth.jwt.secret, auth.jwt.secret_file). The application makes\n"
    "those that count; docs/security.md shows how.\n"
    "\n"
    "  check TOKEN  tell what a token says, and whether a server with the\n"
    "               configuration here would take it (- reads it from the standard\n"
    "               input)\n"
    "  api-key      make a key for the server API, and its hash for api.keys\n"
    "\n"
    "Exits with 0, 1 when a token is not good, 2 for a wrong command line or\n"
    "configuration.\n";

typedef struct command {
  const char *user;
  const char *channel;
  const char *channels;
  const char *info;
  const char *key_file;
  const char *alg;
  const char *kid;
  const char *id;
  const char *config_file;
  uint32_t ttl_ms;
  gw_config config;
} command;

static int fail(const char *what, const char *why) {
  fprintf(stderr, "godwit token: %s%s%s\n", what, *why != '\0' ? ": " : "",
          why);
  return GW_EXIT_FAILED;
}

/* ---- keys ------------------------------------------------------------------- */

/** Bytes of a file, to be freed; NULL: it was told why. */
static char *read_key_file(const char *path, gw_view *bytes) {
  FILE *file = fopen(path, "re");
  char *text = file != NULL ? malloc(KEY_FILE_MAX) : NULL;
  if (text == NULL) {
    fail(path, strerror(errno));
    if (file != NULL) fclose(file);
    return NULL;
  }
  size_t len = fread(text, 1, KEY_FILE_MAX, file);
  fclose(file);
  while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
    len--;
  *bytes = (gw_view){(uint8_t *)text, len};
  return text;
}

static int open_signer(const command *c, gw_signer *s) {
  char why[GW_AUTH_WHY_MAX];
  const gw_auth_settings *auth = &c->config.auth;
  const char *path = c->key_file != NULL ? c->key_file : auth->secret_file;
  gw_view key = gw_view_of(auth->secret);
  char *text = NULL;
  if (c->key_file != NULL || key.len == 0) {
    if (*path == '\0') {
      fail("there is no key to sign with",
           "give --key FILE, or auth.jwt.secret in the configuration");
      return GW_ERR_INVALID;
    }
    text = read_key_file(path, &key);
    if (text == NULL) return GW_ERR_INVALID;
  }
  int err = gw_signer_init(s, key, c->alg, why);
  if (err < 0) fail(text != NULL ? path : "auth.jwt.secret", why);
  if (text != NULL) sodium_memzero(text, key.len);
  free(text);
  return err;
}

/* ---- make ------------------------------------------------------------------- */

static void add_id(json_t *claims, const char *id) {
  uint8_t random[12];
  char hex[2 * sizeof random + 1];
  randombytes_buf(random, sizeof random);
  sodium_bin2hex(hex, sizeof hex, random, sizeof random);
  json_object_set_new(claims, "jti", json_string(id != NULL ? id : hex));
}

/** Words with commas or blanks between them as a list. */
static json_t *list_of(const char *words) {
  static const char between[] = ", \t";
  json_t *list = json_array();
  for (words += strspn(words, between); *words != '\0';
       words += strspn(words, between)) {
    size_t len = strcspn(words, between);
    json_array_append_new(list, json_stringn(words, len));
    words += len;
  }
  return list;
}

/** NULL: --info is no JSON, which is told. */
static json_t *claims_of(const command *c) {
  const gw_auth_settings *auth = &c->config.auth;
  json_int_t now = (json_int_t)time(NULL);
  json_t *claims = json_object();
  if (c->user != NULL)
    json_object_set_new(claims, auth->user_claim, json_string(c->user));
  if (c->channel != NULL)
    json_object_set_new(claims, auth->channel_claim, json_string(c->channel));
  if (c->channels != NULL)
    json_object_set_new(claims, auth->channels_claim, list_of(c->channels));
  json_object_set_new(claims, "iat", json_integer(now));
  json_object_set_new(claims, "exp", json_integer(now + c->ttl_ms / 1000));
  if (*auth->issuer != '\0')
    json_object_set_new(claims, "iss", json_string(auth->issuer));
  if (*auth->audience != '\0')
    json_object_set_new(
        claims, "aud",
        json_stringn(auth->audience, strcspn(auth->audience, ", \t")));
  add_id(claims, c->id);
  if (c->info == NULL) return claims;
  json_t *info = json_loads(c->info, JSON_DECODE_ANY, NULL);
  if (info != NULL && json_object_set_new(claims, auth->info_claim, info) == 0)
    return claims;
  fail("--info has to be JSON", "");
  json_decref(claims);
  return NULL;
}

static int make(const command *c) {
  gw_signer signer = {.secret = NULL};
  char *token = NULL;
  json_t *claims = claims_of(c);
  if (claims != NULL && open_signer(c, &signer) == 0)
    token = gw_signer_sign(&signer, claims, c->kid);
  gw_signer_deinit(&signer);
  json_decref(claims);
  if (token == NULL) return GW_EXIT_USAGE;
  puts(token);
  free(token);
  return GW_EXIT_OK;
}

/* ---- check ------------------------------------------------------------------ */

/** The keys of the configuration, with those of its URL; NULL: told why. */
static gw_keyring *open_ring(const gw_auth_settings *auth) {
  char why[GW_AUTH_WHY_MAX];
  gw_fetched got;
  gw_keystore *ks = gw_keystore_new(auth, NULL, why);
  if (ks == NULL) {
    fail(why, "");
    return NULL;
  }
  gw_keyring *fixed = gw_keystore_ring(ks), *ring = gw_keyring_new(fixed);
  gw_keyring_unref(fixed);
  gw_keystore_free(ks);
  if (*auth->jwks_url == '\0' || ring == NULL) return ring;
  gw_fetch *fetch = gw_fetch_new();
  int err = fetch != NULL ? gw_fetch_get(fetch, auth->jwks_url,
                                         auth->jwks_timeout_ms, &got, why)
                          : GW_ERR_NOMEM;
  if (err == 0)
    err = gw_keyring_add_jwks(ring, (gw_view){(uint8_t *)got.text, got.len},
                              false, why);
  if (err < 0) fail(auth->jwks_url, why);
  gw_fetch_free(fetch);
  if (err >= 0) return ring;
  gw_keyring_unref(ring);
  return NULL;
}

static void print_json(const char *name, const json_t *value) {
  printf("%s: ", name);
  (void)json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
  putchar('\n');
}

static void print_inside(gw_view token) {
  gw_jws jws;
  char why[GW_AUTH_WHY_MAX];
  bool is_whole = gw_jws_parse(&jws, token, why) == 0;
  if (jws.header != NULL) print_json("header", jws.header);
  json_t *payload = is_whole ? gw_jws_payload(&jws) : NULL;
  if (payload != NULL) print_json("claims", payload);
  json_decref(payload);
  gw_jws_deinit(&jws);
}

static void print_end(const gw_claims *c, uint64_t now_ms) {
  if (c->expires_ms == 0)
    puts("good; it does not expire");
  else
    printf("good for %llu s%s\n",
           (unsigned long long)(c->expires_ms - now_ms) / 1000,
           c->channel.len != 0 ? ", for a channel" : "");
}

static int check(const command *c, gw_view token) {
  const gw_auth_settings *auth = &c->config.auth;
  char why[GW_AUTH_WHY_MAX];
  gw_token_rules rules;
  gw_claims claims;
  uint64_t now_ms = (uint64_t)time(NULL) * 1000;
  print_inside(token);
  if (!gw_auth_is_configured(auth))
    return fail("not checked", "there is no key under auth.jwt in the "
                               "configuration");
  gw_keyring *ring = open_ring(auth);
  if (ring == NULL || gw_token_rules_init(&rules, auth, why) < 0) {
    gw_keyring_unref(ring);
    return GW_EXIT_FAILED;
  }
  uint32_t code = gw_token_check(ring, &rules, token, now_ms, &claims, why);
  if (code == GW_CODE_OK)
    print_end(&claims, now_ms);
  else
    fail(gw_code_name(code), why);
  gw_claims_deinit(&claims);
  gw_keyring_unref(ring);
  return code == GW_CODE_OK ? GW_EXIT_OK : GW_EXIT_FAILED;
}

static int check_argument(const command *c, const char *argument) {
  char line[GW_MAX_TOKEN_BYTES + 2];
  if (strcmp(argument, "-") != 0) return check(c, gw_view_of(argument));
  if (fgets(line, sizeof line, stdin) == NULL)
    return fail("there is no token at the standard input", "");
  line[strcspn(line, "\r\n")] = '\0';
  return check(c, gw_view_of(line));
}

/* ---- API keys ---------------------------------------------------------------- */

static int make_api_key(void) {
  char key[64], hash[80];
  gw_api_key_make(key, hash);
  printf("key   %s\nhash  %s\n", key, hash);
  return GW_EXIT_OK;
}

/* ---- the command line --------------------------------------------------------- */

static const char examples[] =
    "  export GODWIT_AUTH_JWT_SECRET=\"$(openssl rand -base64 48)\"\n"
    "  godwit token --user ada --ttl 10m\n"
    "  godwit token check \"$TOKEN\"\n";

static int run(command *c, const gw_usage *usage, int argc, char **argv) {
  if (argc == 1 && strcmp(argv[0], "api-key") == 0) return make_api_key();
  bool is_check = argc == 2 && strcmp(argv[0], "check") == 0;
  if (!is_check && argc != 0)
    return gw_usage_error(usage, "what shall be done?");
  char *flags[] = {"--config", (char *)(uintptr_t)c->config_file};
  int num_flags = c->config_file != NULL ? 2 : 0;
  if (gw_config_load(&c->config, num_flags, flags, stderr) < 0)
    return GW_CONFIG_EXIT;
  return is_check ? check_argument(c, argv[1]) : make(c);
}

int gw_cmd_token(int argc, char **argv) {
  command c = {.user = NULL};
  const gw_option options[] = {
      {"--user", GW_OPTION_TEXT, &c.user, "ID", "whom it is for"},
      {"--channel", GW_OPTION_TEXT, &c.channel, "NAME",
       "make it a token for this channel"},
      {"--channels", GW_OPTION_TEXT, &c.channels, "NAMES",
       "channels that the server subscribes the user to"},
      {"--ttl", GW_OPTION_DURATION, &c.ttl_ms, "TIME", "its life [1h]"},
      {"--info", GW_OPTION_TEXT, &c.info, "JSON", "what goes with the user"},
      {"--id", GW_OPTION_TEXT, &c.id, "TEXT", "claim jti [random]"},
      {"--key", GW_OPTION_TEXT, &c.key_file, "FILE",
       "private key in PEM, or the secret of HMAC"},
      {"--alg", GW_OPTION_TEXT, &c.alg, "NAME",
       "algorithm [the usual one for the key]"},
      {"--kid", GW_OPTION_TEXT, &c.kid, "TEXT", "name of the key"},
      {"--config", GW_OPTION_TEXT, &c.config_file, "FILE",
       "configuration [godwit.yaml if it is there]"},
      {NULL, GW_OPTION_FLAG, NULL, NULL, NULL},
  };
  const gw_usage usage = {
      "godwit token", "[check TOKEN|api-key]", about, options, NULL, examples};
  enum gw_parsed parsed = gw_options_parse(&usage, &argc, argv);
  if (parsed != GW_PARSED_GOOD)
    return parsed == GW_PARSED_HELP ? GW_EXIT_OK : GW_EXIT_USAGE;
  if (c.ttl_ms == 0) c.ttl_ms = DEFAULT_TTL_MS;
  if (sodium_init() < 0) return GW_EXIT_FAILED;
  int code = run(&c, &usage, argc, argv);
  gw_config_deinit(&c.config);
  return code;
}
