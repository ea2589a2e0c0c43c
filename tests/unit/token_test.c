/* SPDX-License-Identifier: MIT */
/* token_test.c - tokens: the examples of the RFCs, every algorithm, every way to
 * be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/auth/signer.h"
#include "server/auth/token.h"

#define NOW_MS UINT64_C(1700000000000)
#define NOW_S  (NOW_MS / 1000)

static const char secret[] = "0123456789abcdef0123456789abcdef";

/* ---- help ----------------------------------------------------------------- */

static const gw_token_rules usual = {.algs = GW_ALGS_ALL,
                                     .claims = {.issuer = "",
                                                .audience = "",
                                                .leeway_ms = 5000,
                                                .user = "sub",
                                                .info = "info",
                                                .channels = "channels",
                                                .channel = "channel"}};

static gw_token_rules rules;
static gw_keyring *ring;
static gw_claims claims;
static char why[GW_AUTH_WHY_MAX];

static int set_up(void **state) {
  (void)state;
  rules = usual;
  ring = gw_keyring_new(NULL);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  gw_claims_deinit(&claims);
  gw_keyring_unref(ring);
  return 0;
}

static uint32_t check_at(const char *token, uint64_t now_ms) {
  gw_claims_deinit(&claims);
  why[0] = '\0';
  return gw_token_check(ring, &rules, gw_view_of(token), now_ms, &claims, why);
}

static uint32_t check(const char *token) {
  return check_at(token, NOW_MS);
}

static void use_secret(void) {
  assert_int_equal(gw_keyring_add_secret(ring, gw_view_of(secret), why), 1);
}

/** Sign JSON claims by the secret. */
static char *sign(const char *json) {
  gw_signer signer;
  json_t *object = json_loads(json, 0, NULL);
  assert_non_null(object);
  assert_int_equal(gw_signer_init(&signer, gw_view_of(secret), NULL, why), 0);
  char *token = gw_signer_sign(&signer, object, NULL);
  assert_non_null(token);
  gw_signer_deinit(&signer);
  json_decref(object);
  return token;
}

static uint32_t check_claims(const char *json) {
  char *token = sign(json);
  uint32_t code = check(token);
  free(token);
  return code;
}

static void assert_why(const char *part) {
  if (strstr(why, part) == NULL) fail_msg("'%s' is not in '%s'", part, why);
}

/* ---- the examples of the RFCs ---------------------------------------------- */

#define JOE                                                                 \
  "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmN" \
  "vbS9pc19yb290Ijp0cnVlfQ"
/** Before the end of 2011-03-22T18:43:00Z. */
#define JOE_MS (UINT64_C(1300819380) * 1000 - 1)

static const struct {
  const char *name, *jwks, *token;
} examples[] = {
    {"RFC 7515, A.1: HS256",
     "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-"
     "EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"}]}",
     "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." JOE
     ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
    {"RFC 7515, A.2: RS256",
     "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_"
     "wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-"
     "SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-"
     "bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVM"
     "TBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGN"
     "j8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\",\"e\":\"AQAB\"}]}",
     "eyJhbGciOiJSUzI1NiJ9." JOE
     ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuH"
     "Im4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB"
     "--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383"
     "LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYE"
     "UipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"},
    {"RFC 7515, A.3: ES256",
     "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
     "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":"
     "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}",
     "eyJhbGciOiJFUzI1NiJ9." JOE
     ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQ"
     "xfKTUJqPP3-Kg6NU1Q"},
};

static void test_the_examples_of_rfc_7515(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
    gw_keyring_unref(ring);
    ring = gw_keyring_new(NULL);
    if (gw_keyring_add_jwks(ring, gw_view_of(examples[i].jwks), true, why) != 1)
      fail_msg("%s: %s", examples[i].name, why);
    if (check_at(examples[i].token, JOE_MS) != GW_CODE_OK)
      fail_msg("%s: %s", examples[i].name, why);
    assert_int_equal(check(examples[i].token), GW_CODE_TOKEN_EXPIRED);
  }
}

/** RFC 8037, A.4; its payload is no object, so the signature alone counts. */
static void test_the_example_of_rfc_8037(void **state) {
  (void)state;
  static const char jwks[] =
      "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
      "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";
  assert_int_equal(gw_keyring_add_jwks(ring, gw_view_of(jwks), false, why), 1);
  assert_int_equal(
      check("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5B"
            "hVsPt9g7sVvpAr_MuM0KAg"),
      GW_CODE_TOKEN_INVALID);
  assert_why("payload");
  assert_int_equal(
      check("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5B"
            "hVsPt9g7sVvpAr_MuM0KAw"),
      GW_CODE_TOKEN_INVALID);
  assert_why("signature");
}

/* ---- every algorithm -------------------------------------------------------- */

static EVP_PKEY *make_pkey(enum gw_key_family family) {
  switch (family) {
  case GW_FAMILY_RSA:
    return EVP_RSA_gen(2048);
  case GW_FAMILY_P256:
    return EVP_EC_gen("P-256");
  case GW_FAMILY_P384:
    return EVP_EC_gen("P-384");
  case GW_FAMILY_P521:
    return EVP_EC_gen("P-521");
  default:
    return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
  }
}

static gw_view pem_of(EVP_PKEY *pkey, bool is_private, BIO **bio) {
  char *data;
  *bio = BIO_new(BIO_s_mem());
  int done = is_private ? PEM_write_bio_PrivateKey(*bio, pkey, NULL, NULL, 0,
                                                   NULL, NULL)
                        : PEM_write_bio_PUBKEY(*bio, pkey);
  assert_int_equal(done, 1);
  size_t len = (size_t)BIO_get_mem_data(*bio, &data);
  return (gw_view){(uint8_t *)data, len};
}

static void assert_altered_is_refused(const char *token) {
  char *copy = strdup(token);
  char *dot = strrchr(copy, '.');
  dot[2] = dot[2] == 'A' ? 'B' : 'A'; /* the signature */
  assert_int_equal(check(copy), GW_CODE_TOKEN_INVALID);
  strcpy(copy, token);
  dot[-2] = dot[-2] == 'M' ? 'N' : 'M'; /* the payload */
  assert_int_equal(check(copy), GW_CODE_TOKEN_INVALID);
  strcpy(copy, token);
  dot[8] = '\0'; /* cut */
  assert_int_equal(check(copy), GW_CODE_TOKEN_INVALID);
  free(copy);
}

static void try_alg(enum gw_alg alg, gw_view private_key, gw_view public_key) {
  gw_signer signer;
  json_t *object =
      json_pack("{s:s,s:I}", "sub", "ada", "exp", (json_int_t)NOW_S + 60);
  const char *name = gw_alg_infos[alg].name;
  if (gw_signer_init(&signer, private_key, name, why) < 0)
    fail_msg("%s: %s", name, why);
  char *token = gw_signer_sign(&signer, object, "some-kid");
  assert_non_null(token);
  gw_keyring_unref(ring);
  ring = gw_keyring_new(NULL);
  int num = gw_alg_infos[alg].family == GW_FAMILY_SECRET
                ? gw_keyring_add_secret(ring, public_key, why)
                : gw_keyring_add_pem(ring, public_key, why);
  assert_int_equal(num, 1);
  if (check(token) != GW_CODE_OK) fail_msg("%s: %s", name, why);
  assert_true(gw_view_eq(claims.user, gw_view_of("ada")));
  assert_altered_is_refused(token);
  rules.algs = GW_ALGS_ALL & ~(1u << alg);
  assert_int_equal(check(token), GW_CODE_TOKEN_INVALID);
  assert_why("not allowed");
  rules.algs = GW_ALGS_ALL;
  free(token);
  json_decref(object);
  gw_signer_deinit(&signer);
}

static void test_every_algorithm(void **state) {
  (void)state;
  EVP_PKEY *pkey = NULL;
  BIO *priv = NULL, *pub = NULL;
  gw_view private_pem = {NULL, 0}, public_pem = {NULL, 0};
  int last = -1;
  for (int alg = 0; alg < GW_NUM_ALGS; alg++) {
    enum gw_key_family family = gw_alg_infos[alg].family;
    if (family == GW_FAMILY_SECRET) {
      try_alg((enum gw_alg)alg, gw_view_of(secret), gw_view_of(secret));
      continue;
    }
    if ((int)family != last) {
      BIO_free(priv);
      BIO_free(pub);
      EVP_PKEY_free(pkey);
      pkey = make_pkey(family);
      private_pem = pem_of(pkey, true, &priv);
      public_pem = pem_of(pkey, false, &pub);
      last = (int)family;
    }
    try_alg((enum gw_alg)alg, private_pem, public_pem);
  }
  BIO_free(priv);
  BIO_free(pub);
  EVP_PKEY_free(pkey);
}

/* ---- what must not get in --------------------------------------------------- */

static void test_no_algorithm_is_none(void **state) {
  (void)state;
  use_secret();
  /* {"alg":"none"}, "None", "NONE", and an empty one; {"sub":"ada"} */
  static const char *const headers[] = {
      "eyJhbGciOiJub25lIn0", "eyJhbGciOiJOb25lIn0", "eyJhbGciOiJOT05FIn0",
      "eyJhbGciOiIifQ", "e30"};
  for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
    char token[128];
    snprintf(token, sizeof token, "%s.eyJzdWIiOiJhZGEifQ.", headers[i]);
    assert_int_equal(check(token), GW_CODE_TOKEN_INVALID);
    snprintf(token, sizeof token, "%s.eyJzdWIiOiJhZGEifQ.AAAA", headers[i]);
    assert_int_equal(check(token), GW_CODE_TOKEN_INVALID);
    assert_why("algorithm");
  }
}

/** The public key as the secret of HMAC: an old way in. */
static void test_a_public_key_is_no_secret(void **state) {
  (void)state;
  EVP_PKEY *pkey = make_pkey(GW_FAMILY_P256);
  BIO *pub;
  gw_view pem = pem_of(pkey, false, &pub);
  gw_key *as_secret = gw_key_from_secret(pem, why);
  gw_signer forger = {.alg = GW_ALG_HS256, .secret = as_secret};
  json_t *object = json_pack("{s:s}", "sub", "root");
  char *token = gw_signer_sign(&forger, object, NULL);
  assert_int_equal(gw_keyring_add_pem(ring, pem, why), 1);
  assert_int_equal(check(token), GW_CODE_AUTH_UNAVAILABLE);
  assert_why("no key");
  free(token);
  json_decref(object);
  gw_signer_deinit(&forger);
  BIO_free(pub);
  EVP_PKEY_free(pkey);
}

static void test_keys_are_chosen_by_kid(void **state) {
  (void)state;
  static const char jwks[] =
      "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"old\",\"k\":"
      "\"b2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xk\"},"
      "{\"kty\":\"oct\",\"kid\":\"new\",\"alg\":\"HS256\",\"k\":"
      "\"bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3\"}]}";
  gw_signer signer;
  json_t *object = json_pack("{s:s}", "sub", "ada");
  assert_int_equal(gw_keyring_add_jwks(ring, gw_view_of(jwks), true, why), 2);
  assert_int_equal(
      gw_signer_init(&signer, gw_view_of("newnewnewnewnewnewnewnewnewnewnew"),
                     NULL, why),
      0);
  static const struct {
    const char *kid, *alg;
    uint32_t code;
  } cases[] = {{"new", "HS256", GW_CODE_OK},
               {NULL, "HS256", GW_CODE_OK},
               {"old", "HS256", GW_CODE_TOKEN_INVALID},
               {"newer", "HS256", GW_CODE_AUTH_UNAVAILABLE},
               {"new", "HS512", GW_CODE_AUTH_UNAVAILABLE}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    signer.alg = (enum gw_alg)gw_alg_find(gw_view_of(cases[i].alg));
    char *token = gw_signer_sign(&signer, object, cases[i].kid);
    assert_int_equal(check(token), cases[i].code);
    free(token);
  }
  gw_signer_deinit(&signer);
  json_decref(object);
}

static void test_texts_that_are_no_tokens(void **state) {
  (void)state;
  use_secret();
  static const char *const texts[] = {"",
                                      ".",
                                      "..",
                                      "...",
                                      "a.b.c",
                                      "a.b",
                                      "Bearer x",
                                      "eyJhbGciOiJIUzI1NiJ9",
                                      "eyJhbGciOiJIUzI1NiJ9.e30",
                                      "eyJhbGciOiJIUzI1NiJ9.e30.",
                                      "eyJhbGciOiJIUzI1NiJ9..AAAA",
                                      "eyJhbGciOiJIUzI1NiJ9.e30.AA==",
                                      "eyJhbGciOiJIUzI1NiJ9.e30.A",
                                      "eyJhbGciOiJIUzI1NiJ9=.e30.AAAA",
                                      "W10.e30.AAAA",
                                      "bnVsbA.e30.AAAA",
                                      "eyJhbGciOiJIUzI1NiJ9.e30.AAAA.AAAA",
                                      " eyJhbGciOiJIUzI1NiJ9.e30.AAAA"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    if (check(texts[i]) != GW_CODE_TOKEN_INVALID) fail_msg("%s", texts[i]);
    assert_true(why[0] != '\0');
  }
}

static void test_extensions_have_to_be_understood(void **state) {
  (void)state;
  use_secret();
  /* {"alg":"HS256","crit":["exp"]} */
  assert_int_equal(check("eyJhbGciOiJIUzI1NiIsImNyaXQiOlsiZXhwIl19.e30.AAAA"),
                   GW_CODE_TOKEN_INVALID);
  assert_why("crit");
}

/* ---- keys that are not taken ------------------------------------------------ */

static void test_sets_of_keys_with_bad_ones(void **state) {
  (void)state;
  static const struct {
    const char *jwks, *why;
  } cases[] = {
      {"", "no JSON"},
      {"[]", "keys"},
      {"{\"keys\":{}}", "keys"},
      {"{\"keys\":[]}", "keys"},
      {"{\"keys\":[1]}", "no JSON object"},
      {"{\"keys\":[{\"kty\":\"DSA\"}]}", "kty"},
      {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\","
       "\"y\":\"AA\"}]}",
       "kty"},
      /* not on the curve */
      {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
       "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":"
       "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}]}",
       "kty"},
      {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"sXch\",\"e\":\"AQAB\"}]}", "2048"},
      {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2hvcnQ\"}]}", "32"},
      {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"enc\","
       "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}",
       "not for signatures"},
      {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"RS256\","
       "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}",
       "alg"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_int_equal(
        gw_keyring_add_jwks(ring, gw_view_of(cases[i].jwks), true, why),
        GW_ERR_INVALID);
    assert_why(cases[i].why);
  }
  assert_int_equal(gw_keyring_num(ring), 0);
}

static void test_a_fetched_set_holds_no_secrets(void **state) {
  (void)state;
  static const char jwks[] =
      "{\"keys\":[{\"kty\":\"oct\",\"k\":"
      "\"b2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xk\"}]}";
  assert_int_equal(gw_keyring_add_jwks(ring, gw_view_of(jwks), false, why),
                   GW_ERR_INVALID);
  assert_why("oct");
}

static void test_a_private_key_is_a_mistake(void **state) {
  (void)state;
  EVP_PKEY *pkey = make_pkey(GW_FAMILY_ED25519);
  BIO *priv;
  gw_view pem = pem_of(pkey, true, &priv);
  assert_int_equal(gw_keyring_add_pem(ring, pem, why), GW_ERR_INVALID);
  assert_why("private key");
  assert_int_equal(gw_keyring_add_pem(ring, gw_view_of("nonsense"), why),
                   GW_ERR_INVALID);
  BIO_free(priv);
  EVP_PKEY_free(pkey);
}

static void test_a_set_has_a_cap(void **state) {
  (void)state;
  char *text = malloc(GW_KEYRING_MAX * 200);
  size_t len = (size_t)sprintf(text, "{\"keys\":[");
  for (unsigned i = 0; i < GW_KEYRING_MAX + 5; i++)
    len += (size_t)sprintf(text + len,
                           "%s{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
                           "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
                           i != 0 ? "," : "");
  strcpy(text + len, "]}");
  assert_int_equal(gw_keyring_add_jwks(ring, gw_view_of(text), false, why),
                   GW_KEYRING_MAX);
  free(text);
}

/* ---- claims ------------------------------------------------------------------ */

static void test_times(void **state) {
  (void)state;
  use_secret();
  assert_int_equal(check_claims("{\"exp\":1700000001}"), GW_CODE_OK);
  assert_int_equal(claims.expires_ms, NOW_MS + 6000);
  assert_int_equal(check_claims("{\"exp\":1699999996}"), GW_CODE_OK);
  assert_int_equal(claims.expires_ms, NOW_MS + 1000); /* within the leeway */
  assert_int_equal(check_claims("{\"exp\":1699999995}"), GW_CODE_TOKEN_EXPIRED);
  assert_int_equal(check_claims("{\"exp\":1699999000.5}"),
                   GW_CODE_TOKEN_EXPIRED);
  assert_why("999 s ago");
  assert_int_equal(check_claims("{\"nbf\":1700000005}"), GW_CODE_OK);
  assert_int_equal(check_claims("{\"nbf\":1700000006}"), GW_CODE_TOKEN_INVALID);
  assert_int_equal(check_claims("{\"iat\":1700000006}"), GW_CODE_TOKEN_INVALID);
  assert_int_equal(check_claims("{\"iat\":1699999999.25}"), GW_CODE_OK);
  assert_int_equal(claims.issued_ms, NOW_MS - 750);
  static const char *const bad[] = {"{\"exp\":\"1700000001\"}",
                                    "{\"exp\":-1}",
                                    "{\"exp\":0}",
                                    "{\"exp\":1e300}",
                                    "{\"exp\":null}",
                                    "{\"nbf\":true}",
                                    "{\"iat\":[]}"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_int_equal(check_claims(bad[i]), GW_CODE_TOKEN_INVALID);
    assert_why("no time");
  }
}

static void test_a_token_may_not_live_for_too_long(void **state) {
  (void)state;
  use_secret();
  rules.claims.max_lifetime_ms = 60000;
  assert_int_equal(check_claims("{\"exp\":1700000060}"), GW_CODE_OK);
  assert_int_equal(check_claims("{\"exp\":1700000066}"), GW_CODE_TOKEN_INVALID);
  assert_int_equal(check_claims("{}"), GW_CODE_TOKEN_INVALID);
  assert_why("no end");
}

static void test_issuer_and_audience(void **state) {
  (void)state;
  use_secret();
  assert_int_equal(check_claims("{\"iss\":\"x\"}"), GW_CODE_OK);
  assert_int_equal(check_claims("{\"aud\":\"x\"}"), GW_CODE_TOKEN_INVALID);
  rules.claims.issuer = "https://id.example.org/";
  rules.claims.audience = "chat, push";
  assert_int_equal(check_claims("{\"aud\":\"chat\"}"), GW_CODE_TOKEN_INVALID);
  assert_why("iss");
#define ISS "\"iss\":\"https://id.example.org/\","
  assert_int_equal(check_claims("{" ISS "\"aud\":\"chat\"}"), GW_CODE_OK);
  assert_int_equal(check_claims("{" ISS "\"aud\":[\"a\",\"push\"]}"),
                   GW_CODE_OK);
  static const char *const bad[] = {
      "{" ISS "\"aud\":\"cha\"}", "{" ISS "\"aud\":\"chat, push\"}",
      "{" ISS "\"aud\":[]}",      "{" ISS "\"aud\":[\"a\"]}",
      "{" ISS "\"aud\":1}",       "{\"iss\":\"https://id.example.org/\"}"};
#undef ISS
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_int_equal(check_claims(bad[i]), GW_CODE_TOKEN_INVALID);
    assert_why("aud");
  }
}

static void test_who_it_is(void **state) {
  (void)state;
  use_secret();
  assert_int_equal(
      check_claims("{\"sub\":\"ada\",\"jti\":\"j1\",\"info\":{\"a\": [1]},"
                   "\"channels\":[\"a\",\"b\"]}"),
      GW_CODE_OK);
  assert_true(gw_view_eq(claims.user, gw_view_of("ada")));
  assert_true(gw_view_eq(claims.jti, gw_view_of("j1")));
  assert_string_equal(claims.info, "{\"a\":[1]}");
  assert_int_equal(claims.num_channels, 2);
  assert_true(gw_view_eq(claims.channels[0], gw_view_of("a")));
  assert_true(gw_view_eq(claims.channels[1], gw_view_of("b")));
  assert_int_equal(claims.channel.len, 0);
  rules.claims.user = "uid";
  assert_int_equal(check_claims("{\"sub\":\"ada\",\"uid\":42}"), GW_CODE_OK);
  assert_true(gw_view_eq(claims.user, gw_view_of("42")));
  assert_int_equal(check_claims("{\"channel\":\"room:a\"}"), GW_CODE_OK);
  assert_true(gw_view_eq(claims.channel, gw_view_of("room:a")));
  static const char *const bad[] = {
      "{\"uid\":true}",     "{\"uid\":1.5}",      "{\"uid\":{}}",
      "{\"channel\":1}",    "{\"channel\":\"\"}", "{\"channels\":\"a\"}",
      "{\"channels\":[1]}", "{\"jti\":7}",        "{\"channel\":[\"a\"]}"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    if (check_claims(bad[i]) != GW_CODE_TOKEN_INVALID) fail_msg("%s", bad[i]);
  }
}

static void test_texts_have_limits(void **state) {
  (void)state;
  use_secret();
  char json[4000], text[3000];
  memset(text, 'x', sizeof text);
  static const struct {
    const char *claim;
    unsigned max;
  } cases[] = {{"sub", GW_MAX_USER_BYTES},
               {"channel", GW_MAX_CHANNEL_BYTES},
               {"info", GW_MAX_INFO_BYTES - 2 /* quotes */}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    for (unsigned over = 0; over < 2; over++) {
      snprintf(json, sizeof json, "{\"%s\":\"%.*s\"}", cases[i].claim,
               (int)(cases[i].max + over), text);
      assert_int_equal(check_claims(json),
                       over ? GW_CODE_TOKEN_INVALID : GW_CODE_OK);
    }
  }
}

/** A token with any header, signed as HS256 with any key. */
static void make_by_hand(char *token, const char *header, const char *key) {
  const int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  uint8_t mac[32];
  unsigned len = 0;
  sodium_bin2base64(token, 1000, (const uint8_t *)header, strlen(header),
                    variant);
  strcat(token, ".eyJzdWIiOiJyb290In0"); /* {"sub":"root"} */
  HMAC(EVP_sha256(), key, (int)strlen(key), (const uint8_t *)token,
       strlen(token), mac, &len);
  size_t at = strlen(token);
  token[at] = '.';
  sodium_bin2base64(token + at + 1, 100, mac, len, variant);
}

static void test_a_token_does_not_bring_its_key_along(void **state) {
  (void)state;
  char token[1200];
  use_secret();
  make_by_hand(token, "{\"alg\":\"HS256\"}", secret);
  assert_int_equal(check(token), GW_CODE_OK); /* so the hand is right */
  static const char *const headers[] = {
      "{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\",\"k\":"
      "\"Zm9yZ2VkIGZvcmdlZCBmb3JnZWQgZm9yZ2VkIGZvcmdlZA\"}}",
      "{\"alg\":\"HS256\",\"jku\":\"http://127.0.0.1:1/keys\"}",
      "{\"alg\":\"HS256\",\"x5u\":\"http://127.0.0.1:1/keys\"}"};
  for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
    make_by_hand(token, headers[i], "forged forged forged forged forged");
    assert_int_equal(check(token), GW_CODE_TOKEN_INVALID);
    assert_why("signature");
  }
}

int main(void) {
#define TEST(name) \
  cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(the_examples_of_rfc_7515),
      TEST(the_example_of_rfc_8037),
      TEST(every_algorithm),
      TEST(no_algorithm_is_none),
      TEST(a_public_key_is_no_secret),
      TEST(keys_are_chosen_by_kid),
      TEST(texts_that_are_no_tokens),
      TEST(extensions_have_to_be_understood),
      TEST(sets_of_keys_with_bad_ones),
      TEST(a_fetched_set_holds_no_secrets),
      TEST(a_private_key_is_a_mistake),
      TEST(a_set_has_a_cap),
      TEST(times),
      TEST(a_token_may_not_live_for_too_long),
      TEST(issuer_and_audience),
      TEST(who_it_is),
      TEST(texts_have_limits),
      TEST(a_token_does_not_bring_its_key_along),
  };
#undef TEST
  return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
