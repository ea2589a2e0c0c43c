/* SPDX-License-Identifier: MIT */
/* print.c - the table of keys as a commented godwit.yaml, as a JSON Schema, and
 * as the flags of --help. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "server/config/load.h"

/** Deepest nesting of sections, with the key. */
#define DEPTH_MAX 4u

static bool has_range(const gw__key *key) {
  return key->type == GW__KEY_NUMBER || key->type == GW__KEY_DURATION ||
         key->type == GW__KEY_SIZE;
}

static const char *name_of(const gw__key *key) {
  const char *dot = strrchr(key->path, '.');
  return dot != NULL ? dot + 1 : key->path;
}

/** Sections that a key lies in. */
static unsigned depth_of(const gw__key *key) {
  unsigned depth = 0;
  for (const char *p = key->path; *p != '\0'; p++)
    depth += *p == '.';
  return depth;
}

/** Sections that two keys share; a: NULL: none. */
static unsigned shared_depth(const gw__key *a, const gw__key *b) {
  unsigned depth = 0;
  for (size_t i = 0; a != NULL && a->path[i] == b->path[i]; i++) {
    if (b->path[i] == '\0') break;
    depth += b->path[i] == '.';
  }
  return depth;
}

/** The outermost section's length, the next one's, ... of a path. */
static void each_section(const gw__key *key, unsigned from,
                         void (*visit)(void *arg, const char *name, size_t len,
                                       unsigned depth),
                         void *arg) {
  const char *at = key->path;
  for (unsigned depth = 0;; depth++) {
    size_t len = strcspn(at, ".");
    if (at[len] == '\0') return;
    if (depth >= from) visit(arg, at, len, depth);
    at += len + 1;
  }
}

/* ---- godwit.yaml -----------------------------------------------------------
 */

static void print_comment(FILE *to, const char *indent, const char *text) {
  while (*text != '\0') {
    size_t len = strcspn(text, "\n");
    fprintf(to, "%s# %.*s\n", indent, (int)len, text);
    text += len;
    if (*text == '\n') text++;
  }
}

static const char yaml_head[] =
    "# godwit.yaml - every key with its default.\n"
    "#\n"
    "# A key is also an environment variable and a flag: listen.public is\n"
    "# GODWIT_LISTEN_PUBLIC and --listen.public VALUE. Flags win over the\n"
    "# environment, the environment over this file.\n"
    "#\n"
    "# Times have a unit: 500ms, 15s, 10m, 1h, 7d. Sizes are bytes, or 64KiB,\n"
    "# 1MiB, 1GiB.\n";

static const char yaml_tail[] =
    "\n"
    "# Settings of the channels whose name begins with \"NAME:\". A namespace may\n"
    "# set the keys of history, channel, payload, presence, allow, batch, delta\n"
    "# and priority; what it leaves out is as above, which also holds for channels\n"
    "# of no namespace.\n"
    "#\n"
    "# namespaces:\n"
    "#   - name: room\n"
    "#     history:\n"
    "#       size: 1000\n"
    "#       ttl: 1d\n"
    "#     presence:\n"
    "#       grace: 30s\n"
    "namespaces: []\n"
    "\n"
    "# State machines of keys of shared state (docs/states.md): a list as well.\n"
    "#\n"
    "# machines:\n"
    "#   - name: order\n"
    "#     attach: free            # connection, user, channel, group or free\n"
    "#     states: [cart, paid, shipped]\n"
    "#     initial: cart           # or else the first\n"
    "#     transitions:\n"
    "#       - {from: cart, to: paid, who: user}     # anyone, user or nobody\n"
    "#       - {from: paid, to: cart, after: 1h}     # by itself\n"
    "#       - {from: paid, to: shipped, who: nobody}  # only the application\n"
    "machines: []\n";

/** The part of a list's name behind its section. */
static const char *name_of_list(const gw__list *list) {
  const char *dot = strrchr(list->name, '.');
  return dot != NULL ? dot + 1 : list->name;
}

/** A list with its keys, as a comment. */
static void print_list(FILE *to, const gw__list *list, const char *indent) {
  const char *name = name_of_list(list);
  char deeper[32];
  (void)snprintf(deeper, sizeof deeper, "%s#     ", indent);
  print_comment(to, indent, list->text);
  for (const gw__key *k = list->keys; k->path != NULL; k++) {
    fprintf(to, "%s#   %s\n", indent, k->path);
    print_comment(to, deeper, k->text);
  }
  fprintf(to, "%s#\n%s# %s:\n", indent, indent, name);
  print_comment(to, indent, list->example);
  fprintf(to, "%s%s: []\n", indent, name);
}

/** The lists that a section begins with. */
static void print_lists_of(FILE *to, const char *section, size_t len) {
  for (size_t i = 0; i < GW__NUM_LISTS; i++) {
    const gw__list *list = &gw__lists[i];
    if (strncmp(list->name, section, len) == 0 && list->name[len] == '.')
      print_list(to, list, "  ");
  }
}

/** Of a choice such as "1.2", which YAML would take for a number. */
static bool needs_quotes(const gw__key *key, const char *value) {
  return *value == '\0' || (key->type == GW__KEY_CHOICE &&
                            strspn(value, "0123456789.") == strlen(value));
}

static void print_key(FILE *to, const gw__key *key, const void *at,
                      const char *indent) {
  char space[GW__VALUE_MAX], low[GW__VALUE_MAX], high[GW__VALUE_MAX];
  const char *value = gw__value_text(key, at, space);
  print_comment(to, indent, key->text);
  if (has_range(key)) {
    fprintf(to, "%s# From %s to %s.\n", indent,
            gw__number_text(key, key->min, low),
            gw__number_text(key, key->max, high));
  }
  const char *quote = needs_quotes(key, value) ? "\"" : "";
  fprintf(to, "%s%s: %s%s%s\n", indent, name_of(key), quote, value, quote);
}

static void print_section(void *arg, const char *name, size_t len,
                          unsigned depth) {
  fprintf(arg, "%*s%.*s:\n", (int)(2 * depth), "", (int)len, name);
}

static void print_keys(FILE *to, const gw__target *t) {
  static const char blanks[2 * DEPTH_MAX + 1] = "        ";
  const gw__key *last = NULL;
  for (const gw__key *k = t->keys; k->path != NULL; last = k++) {
    unsigned depth = depth_of(k), shared = shared_depth(last, k);
    if (shared == 0) fputc('\n', to);
    each_section(k, shared, print_section, to);
    if (shared == 0) print_lists_of(to, k->path, strcspn(k->path, "."));
    print_key(to, k, t->at, blanks + 2 * (DEPTH_MAX - depth));
  }
}

void gw_config_print_default(FILE *to) {
  gw_config c;
  if (gw__config_set_defaults(&c) == 0) {
    gw__targets t = gw__targets_of(&c);
    fputs(yaml_head, to);
    for (size_t i = 0; i < GW__TARGETS_MAX; i++)
      print_keys(to, &t.of[i]);
    fputs(yaml_tail, to);
    for (size_t i = 0; i < GW__NUM_LISTS; i++) {
      if (strchr(gw__lists[i].name, '.') != NULL) continue;
      fputc('\n', to);
      print_list(to, &gw__lists[i], "");
    }
  }
  gw_config_deinit(&c);
}

/* ---- flags -----------------------------------------------------------------
 */

static void print_flag(FILE *to, const gw__key *key, const void *at) {
  char space[GW__VALUE_MAX], flag[GW__PATH_MAX];
  const char *value = gw__value_text(key, at, space);
  bool is_bool = key->type == GW__KEY_BOOL;
  (void)snprintf(flag, sizeof flag, "--%s%s", key->path,
                 is_bool ? "" : " VALUE");
  fprintf(to, "  %-36s", flag);
  if (*value != '\0') fprintf(to, " [%s]", value);
  fputc('\n', to);
  for (const char *text = key->text; *text != '\0';) {
    size_t len = strcspn(text, "\n");
    fprintf(to, "      %.*s\n", (int)len, text);
    text += len;
    if (*text == '\n') text++;
  }
}

void gw_config_print_flags(FILE *to) {
  gw_config c;
  fputs(
      "  --config FILE                        [godwit.yaml if it is there]\n"
      "      File with settings; the environment and other flags override it.\n",
      to);
  if (gw__config_set_defaults(&c) == 0) {
    gw__targets t = gw__targets_of(&c);
    for (size_t i = 0; i < GW__TARGETS_MAX; i++) {
      for (const gw__key *k = t.of[i].keys; k->path != NULL; k++) {
        print_flag(to, k, t.of[i].at);
      }
    }
  }
  fputs("  --namespaces LIST\n"
        "      Namespaces as YAML: [{name: room, history: {size: 100}}]\n"
        "  --machines LIST\n"
        "      State machines as YAML; godwit config default shows one\n",
        to);
  for (size_t i = 0; i < GW__NUM_LISTS; i++)
    fprintf(to, "  --%s LIST\n      %s\n", gw__lists[i].name,
            gw__lists[i].text);
  gw_config_deinit(&c);
}

/* ---- JSON Schema -----------------------------------------------------------
 */

static json_t *pattern_schema(const char *pattern) {
  return json_pack("{s:s,s:s}", "type", "string", "pattern", pattern);
}

static json_t *words_schema(const gw__key *key) {
  char *pattern = gw__words_pattern(key);
  json_t *schema = pattern_schema(pattern != NULL ? pattern : "");
  free(pattern);
  return schema;
}

static json_t *type_schema(const gw__key *key) {
  switch (key->type) {
  case GW__KEY_BOOL:
    return json_pack("{s:s}", "type", "boolean");
  case GW__KEY_NUMBER:
    return json_pack("{s:s,s:I,s:I}", "type", "integer", "minimum",
                     (json_int_t)key->min, "maximum", (json_int_t)key->max);
  case GW__KEY_DURATION:
    return json_pack("{s:[o,{s:i}]}", "anyOf",
                     pattern_schema("^[0-9]+ *(ms|s|m|h|d)$"), "const", 0);
  case GW__KEY_SIZE:
    return json_pack("{s:[o,{s:s,s:i}]}", "anyOf",
                     pattern_schema("^[0-9]+ *(B|kB|MB|GB|KiB|MiB|GiB)?$"),
                     "type", "integer", "minimum", 0);
  case GW__KEY_CHOICE: {
    json_t *names = json_array();
    for (const char *const *c = key->choices; *c != NULL; c++) {
      json_array_append_new(names, json_string(*c));
    }
    return json_pack("{s:o}", "enum", names);
  }
  case GW__KEY_RULE:
  case GW__KEY_WORDS:
  case GW__KEY_TRANSITIONS:
  case GW__KEY_GROUP:
    return words_schema(key);
  case GW__KEY_RATE:
    return json_pack("{s:[o,{s:i}]}", "anyOf",
                     pattern_schema("^[0-9]+/[smh]( +burst +[0-9]+)?$"),
                     "const", 0);
  case GW__KEY_ADDRESS:
  case GW__KEY_LIST:
    return json_pack("{s:[{s:s},{s:s,s:{s:s}}]}", "anyOf", "type", "string",
                     "type", "array", "items", "type", "string");
  default:
    return json_pack("{s:s}", "type", "string");
  }
}

/** The text of a key on one line. */
static json_t *description(const gw__key *key) {
  char text[512];
  (void)snprintf(text, sizeof text, "%s", key->text);
  for (char *c = text; *c != '\0'; c++) {
    if (*c == '\n') *c = ' ';
  }
  return json_string(text);
}

static json_t *default_of(const gw__key *key, const void *at) {
  char space[GW__VALUE_MAX];
  const char *value = gw__value_text(key, at, space);
  if (key->type == GW__KEY_BOOL) return json_boolean(*value == 't');
  if (key->type == GW__KEY_NUMBER) {
    return json_integer((json_int_t)strtoul(value, NULL, 10));
  }
  /* Nothing needs no unit; as a text it would need one. */
  if (strcmp(value, "0") == 0) return json_integer(0);
  return json_string(value);
}

static json_t *new_object(void) {
  return json_pack("{s:s,s:b,s:{}}", "type", "object", "additionalProperties",
                   0, "properties");
}

/** Step into the properties of a section, which are made on demand. */
static void enter_section(void *arg, const char *name, size_t len,
                          unsigned depth) {
  json_t **properties = arg;
  char section[GW__PATH_MAX];
  (void)depth;
  (void)snprintf(section, sizeof section, "%.*s", (int)len, name);
  if (json_object_get(*properties, section) == NULL) {
    json_object_set_new(*properties, section, new_object());
  }
  *properties =
      json_object_get(json_object_get(*properties, section), "properties");
}

/** The properties that a key belongs to. */
static json_t *properties_for(json_t *object, const gw__key *key) {
  json_t *properties = json_object_get(object, "properties");
  each_section(key, 0, enter_section, &properties);
  return properties;
}

/** with_default: a namespace's keys have none of their own. */
static void add_keys(json_t *object, const gw__target *t, bool with_default) {
  for (const gw__key *k = t->keys; k->path != NULL; k++) {
    json_t *schema = type_schema(k);
    json_object_set_new(schema, "description", description(k));
    if (with_default) {
      json_object_set_new(schema, "default", default_of(k, t->at));
    }
    json_object_set_new(properties_for(object, k), name_of(k), schema);
  }
}

static json_t *namespaces_schema(const gw__target *t) {
  json_t *item = new_object();
  json_object_set_new(item, "required", json_pack("[s]", "name"));
  json_object_set_new(json_object_get(item, "properties"), "name",
                      pattern_schema("^[^: \\t\\r\\n]{1,64}$"));
  add_keys(item, t, false);
  return json_pack(
      "{s:s,s:s,s:o}", "type", "array", "description",
      "Settings of the channels whose name begins with NAME:", "items", item);
}

/** What a machine's list has is checked by the server; this helps to write it. */
static json_t *machines_schema(void) {
  static const char text[] =
      "{\"type\":\"array\",\"maxItems\":64,"
      "\"description\":\"State machines of keys of shared state.\","
      "\"items\":{\"type\":\"object\",\"additionalProperties\":false,"
      "\"required\":[\"name\",\"attach\",\"states\",\"transitions\"],"
      "\"properties\":{"
      "\"name\":{\"$ref\":\"#/$defs/word\"},"
      "\"attach\":{\"enum\":[\"connection\",\"user\",\"channel\","
      "\"group\",\"free\"]},"
      "\"namespace\":{\"type\":\"string\"},"
      "\"initial\":{\"$ref\":\"#/$defs/word\"},"
      "\"states\":{\"type\":\"array\",\"maxItems\":32,"
      "\"items\":{\"$ref\":\"#/$defs/word\"}},"
      "\"transitions\":{\"type\":\"array\",\"items\":{"
      "\"type\":\"object\",\"additionalProperties\":false,"
      "\"required\":[\"from\",\"to\"],\"properties\":{"
      "\"from\":{\"anyOf\":[{\"type\":\"string\"},"
      "{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/word\"}}]},"
      "\"to\":{\"$ref\":\"#/$defs/word\"},"
      "\"who\":{\"type\":\"string\"},"
      "\"after\":{\"type\":\"string\"}}}}}}}";
  return json_loads(text, 0, NULL);
}

/** Of names of machines and states. */
static json_t *word_schema(void) {
  return json_pack("{s:o}", "word", pattern_schema("^[A-Za-z0-9_-]{1,32}$"));
}

/** Items of a list: with keys, or as single values. */
static json_t *list_schema(const gw__list *list) {
  json_t *item = new_object();
  gw__target t = {list->keys, NULL};
  add_keys(item, &t, false);
  json_object_set_new(item, "required", json_pack("[s]", list->first));
  json_t *array = json_pack("{s:s,s:{s:[{s:s},o]}}", "type", "array", "items",
                            "anyOf", "type", "string", item);
  json_t *schema =
      list->second == NULL
          ? array
          : json_pack("{s:[o,{s:s,s:{s:s}}]}", "anyOf", array, "type", "object",
                      "additionalProperties", "type", "string");
  json_object_set_new(schema, "description", json_string(list->text));
  return schema;
}

/** Put a list's schema where its name says. */
static void add_list(json_t *object, const gw__list *list) {
  const gw__key place = {.path = list->name};
  json_object_set_new(properties_for(object, &place), name_of(&place),
                      list_schema(list));
}

void gw_config_print_schema(FILE *to) {
  gw_config c;
  if (gw__config_set_defaults(&c) == 0) {
    gw__targets t = gw__targets_of(&c);
    json_t *schema = new_object();
    json_object_set_new(
        schema, "$schema",
        json_string("https://json-schema.org/draft/2020-12/schema"));
    json_object_set_new(schema, "$defs", word_schema());
    json_object_set_new(schema, "title", json_string("godwit.yaml"));
    for (size_t i = 0; i < GW__TARGETS_MAX; i++) {
      add_keys(schema, &t.of[i], true);
    }
    json_object_set_new(json_object_get(schema, "properties"), "namespaces",
                        namespaces_schema(&t.of[1]));
    json_object_set_new(json_object_get(schema, "properties"), "machines",
                        machines_schema());
    for (size_t i = 0; i < GW__NUM_LISTS; i++)
      add_list(schema, &gw__lists[i]);
    (void)json_dumpf(schema, to, JSON_INDENT(2));
    fputc('\n', to);
    json_decref(schema);
  }
  gw_config_deinit(&c);
}
