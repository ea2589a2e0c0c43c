/* SPDX-License-Identifier: MIT */
/* yaml.c - godwit.yaml and lists in it, read by libyaml.
 *
 * libyaml's documents keep the line of every node, so that each mistake, also
 * one in a value's range, is told with its line; and values stay text until
 * value.c reads them, as those of variables and flags do. That is why this is
 * not libcyaml, which turns them into C types by a schema of its own. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/config/yaml.h"

/** Names of namespaces: short, as they stand in front of each channel's. */
#define NAME_MAX_BYTES 64u

/** A mapping that is being read. */
typedef struct reading {
  gw__load *load;
  gw__yaml *yaml;
  const gw__targets *targets;
  gw_namespace *space; /**< NULL at the top */
  char outer[40];      /**< what its paths are in, such as namespaces[2]. */
} reading;

const char *gw__yaml_where(const gw__yaml *y, const yaml_node_t *node,
                           char where[GW__WHERE_MAX]) {
  if (y->has_lines) {
    (void)snprintf(where, GW__WHERE_MAX, "%s:%zu", y->name,
                   node->start_mark.line + 1);
  } else {
    (void)snprintf(where, GW__WHERE_MAX, "%s", y->name);
  }
  return where;
}

bool gw__yaml_is_null(const yaml_node_t *node) {
  if (node->type != YAML_SCALAR_NODE ||
      node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
    return false;
  }
  const char *text = gw__yaml_text(node);
  return *text == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

static bool has_nul(const yaml_node_t *node) {
  return strlen(gw__yaml_text(node)) != node->data.scalar.length;
}

/* ---- mappings --------------------------------------------------------------
 */

static void read_mapping(const reading *r, yaml_node_t *mapping,
                         const char *prefix);

static void read_name(const reading *r, yaml_node_t *value, const char *where) {
  const char *text =
      value->type == YAML_SCALAR_NODE ? gw__yaml_text(value) : "";
  size_t len = strlen(text);
  if (len == 0 || len > NAME_MAX_BYTES || strpbrk(text, ": \t\r\n") != NULL ||
      has_nul(value)) {
    gw__load_fail(r->load, where,
                  "%sname: '%.100s' must be 1 to %u characters without a colon "
                  "or a blank",
                  r->outer, text, NAME_MAX_BYTES);
    return;
  }
  free((char *)(uintptr_t)r->space->name);
  r->space->name = strdup(text);
  if (r->space->name == NULL) r->load->is_out_of_memory = true;
}

/** A list of machines; false: the key is another. */
static bool read_machines(const reading *r, const char *path,
                          yaml_node_t *value, const char *where) {
  if (!r->targets->has_lists || strcmp(path, "machines") != 0) return false;
  if (value->type == YAML_SEQUENCE_NODE)
    gw__machines_read(r->load, r->yaml, value);
  else if (!gw__yaml_is_null(value))
    gw__load_fail(r->load, where, "machines: must be a list");
  return true;
}

/** Whether a list may be written like this. */
static bool is_list(size_t number, const yaml_node_t *value) {
  if (value->type == YAML_SEQUENCE_NODE) return true;
  return value->type == YAML_MAPPING_NODE && number < GW__NUM_LISTS &&
         gw__lists[number].second != NULL;
}

/** Keys that are not in the table: lists, and the name of a namespace. */
static bool read_special(const reading *r, const char *path, yaml_node_t *value,
                         const char *where) {
  size_t number = gw__list_number(path);
  if (r->targets->has_name && strcmp(path, "name") == 0) {
    read_name(r, value, where);
    return true;
  }
  if (!r->targets->has_lists || number > GW__NUM_LISTS) return false;
  if (is_list(number, value))
    r->yaml->lists[number] = value;
  else if (!gw__yaml_is_null(value))
    gw__load_fail(r->load, where, "%s: must be a list", path);
  return true;
}

static void read_section(const reading *r, const char *path, yaml_node_t *value,
                         const char *where) {
  if (value->type == YAML_MAPPING_NODE) {
    read_mapping(r, value, path);
  } else if (!gw__yaml_is_null(value)) {
    gw__load_fail(r->load, where, "%s%s: must be a section with keys in it",
                  r->outer, path);
  }
}

/** Items of a list as one text with commas between them; false: one of them is
 * no word. */
static bool join(const reading *r, yaml_node_t *list, char **text) {
  size_t len = 0;
  FILE *to = open_memstream(text, &len);
  bool is_good = to != NULL;
  if (to == NULL) r->load->is_out_of_memory = true;
  for (yaml_node_item_t *item = list->data.sequence.items.start;
       is_good && item < list->data.sequence.items.top; item++) {
    yaml_node_t *node = yaml_document_get_node(&r->yaml->document, *item);
    is_good = node->type == YAML_SCALAR_NODE && !has_nul(node) &&
              *gw__yaml_text(node) != '\0' &&
              strpbrk(gw__yaml_text(node), ", \t") == NULL;
    if (is_good)
      fprintf(to, "%s%s", ftell(to) > 0 ? ", " : "", gw__yaml_text(node));
  }
  if (to != NULL) fclose(to);
  return is_good;
}

static void read_list(const reading *r, const gw__key *key, void *at,
                      yaml_node_t *value, const char *where) {
  char *text = NULL;
  if (join(r, value, &text))
    (void)gw__load_set(r->load, key, at, text, where);
  else
    gw__load_fail(r->load, where, "%s%s: must be a list of single words",
                  r->outer, key->path);
  free(text);
}

static void read_value(const reading *r, const gw__key *key, void *at,
                       yaml_node_t *value, const char *where) {
  bool takes_lists = key->type == GW__KEY_LIST || key->type == GW__KEY_ADDRESS;
  if (takes_lists && value->type == YAML_SEQUENCE_NODE) {
    read_list(r, key, at, value, where);
    return;
  }
  if (value->type != YAML_SCALAR_NODE || has_nul(value)) {
    gw__load_fail(r->load, where, "%s%s: must be a single value", r->outer,
                  key->path);
    return;
  }
  if (gw__yaml_is_null(value)) return;
  (void)gw__load_set(r->load, key, at, gw__yaml_text(value), where);
}

static void read_pair(const reading *r, const char *path, yaml_node_t *name,
                      yaml_node_t *value) {
  char where[GW__WHERE_MAX], nearest[GW__PATH_MAX];
  void *at = NULL;
  gw__yaml_where(r->yaml, value, where);
  if (read_special(r, path, value, where) ||
      read_machines(r, path, value, where))
    return;
  const gw__key *key = gw__targets_find(r->targets, path, &at);
  if (key != NULL) {
    read_value(r, key, at, value, where);
  } else if (gw__targets_has_section(r->targets, path)) {
    read_section(r, path, value, where);
  } else {
    gw__load_fail(r->load, gw__yaml_where(r->yaml, name, where),
                  "%s%s: there is no such key; the nearest is %s", r->outer,
                  path, gw__targets_nearest(r->targets, path, nearest));
  }
}

/** The node of the same key earlier in the mapping, or NULL. */
static yaml_node_t *find_earlier(gw__yaml *y, yaml_node_t *mapping,
                                 const yaml_node_pair_t *pair) {
  const char *name =
      gw__yaml_text(yaml_document_get_node(&y->document, pair->key));
  for (yaml_node_pair_t *p = mapping->data.mapping.pairs.start; p < pair; p++) {
    yaml_node_t *other = yaml_document_get_node(&y->document, p->key);
    if (other->type == YAML_SCALAR_NODE &&
        strcmp(gw__yaml_text(other), name) == 0) {
      return other;
    }
  }
  return NULL;
}

static void read_mapping(const reading *r, yaml_node_t *mapping,
                         const char *prefix) {
  char where[GW__WHERE_MAX], path[GW__PATH_MAX];
  yaml_document_t *document = &r->yaml->document;
  for (yaml_node_pair_t *p = mapping->data.mapping.pairs.start;
       p < mapping->data.mapping.pairs.top; p++) {
    yaml_node_t *name = yaml_document_get_node(document, p->key);
    yaml_node_t *value = yaml_document_get_node(document, p->value);
    gw__yaml_where(r->yaml, name, where);
    if (name->type != YAML_SCALAR_NODE) {
      gw__load_fail(r->load, where, "a key must be a single word");
      continue;
    }
    (void)snprintf(path, sizeof path, "%s%s%.60s", prefix,
                   *prefix != '\0' ? "." : "", gw__yaml_text(name));
    yaml_node_t *earlier = find_earlier(r->yaml, mapping, p);
    if (earlier != NULL) {
      gw__load_fail(r->load, where, "%s%s: given twice, first in line %zu",
                    r->outer, path, earlier->start_mark.line + 1);
      continue;
    }
    read_pair(r, path, name, value);
  }
}

/* ---- documents -------------------------------------------------------------
 */

/** Whoever uses a document lets go of it. */
static void free_yaml(gw__yaml *y) {
  if (y == NULL || --y->num_users != 0) return;
  yaml_document_delete(&y->document);
  free(y);
}

static gw__yaml *new_yaml(gw__load *l, const char *name, bool has_lines) {
  gw__yaml *y = calloc(1, sizeof *y);
  if (y == NULL) {
    l->is_out_of_memory = true;
    return NULL;
  }
  y->has_lines = has_lines;
  y->num_users = 1;
  (void)snprintf(y->name, sizeof y->name, "%s", name);
  return y;
}

static void tell_parser(gw__load *l, const gw__yaml *y,
                        const yaml_parser_t *parser) {
  if (parser->error == YAML_MEMORY_ERROR) {
    l->is_out_of_memory = true;
    return;
  }
  if (parser->error == YAML_READER_ERROR && parser->problem_value < 0 &&
      parser->problem_offset == 0) {
    gw__load_fail(l, y->name, "cannot be read");
    return;
  }
  yaml_node_t at = {.start_mark = parser->problem_mark};
  char where[GW__WHERE_MAX];
  gw__load_fail(l, gw__yaml_where(y, &at, where), "not YAML: %s%s%s",
                parser->problem != NULL ? parser->problem : "cannot be read",
                parser->context != NULL ? " " : "",
                parser->context != NULL ? parser->context : "");
}

/** Whether the parser has no more than the one document that was loaded. */
static bool is_at_end(yaml_parser_t *parser) {
  yaml_document_t next;
  if (!yaml_parser_load(parser, &next)) return false;
  bool is_empty = yaml_document_get_root_node(&next) == NULL;
  yaml_document_delete(&next);
  return is_empty;
}

/** Load the one document of a parser; false after a mistake, which is told. */
static bool load_document(gw__load *l, gw__yaml *y, yaml_parser_t *parser) {
  if (!yaml_parser_load(parser, &y->document)) {
    tell_parser(l, y, parser);
    return false;
  }
  /* An empty one is the end of the stream already. */
  if (yaml_document_get_root_node(&y->document) == NULL) return true;
  if (is_at_end(parser)) return true;
  if (parser->error != YAML_NO_ERROR) {
    tell_parser(l, y, parser);
  } else {
    gw__load_fail(l, y->name, "holds more than one document");
  }
  return false;
}

/** Keep a document as far as its lists are those that count. */
static void keep_lists(gw__load *l, gw__yaml *y) {
  for (size_t i = 0; i <= GW__NUM_LISTS; i++) {
    if (y->lists[i] == NULL) continue;
    free_yaml(l->lists[i]);
    l->lists[i] = y;
    y->num_users++;
  }
  free_yaml(y);
}

static void read_document(gw__load *l, gw__yaml *y) {
  gw__targets targets = gw__targets_of(l->config);
  reading r = {l, y, &targets, NULL, ""};
  char where[GW__WHERE_MAX];
  yaml_node_t *root = yaml_document_get_root_node(&y->document);
  if (root == NULL || gw__yaml_is_null(root)) return;
  if (root->type == YAML_MAPPING_NODE) {
    read_mapping(&r, root, "");
  } else {
    gw__load_fail(l, gw__yaml_where(y, root, where),
                  "must hold keys and values, such as workers: 2");
  }
}

static void load_stream(gw__load *l, const char *name, FILE *file) {
  yaml_parser_t parser;
  gw__yaml *y = new_yaml(l, name, true);
  if (y == NULL) return;
  if (!yaml_parser_initialize(&parser)) {
    l->is_out_of_memory = true;
    free_yaml(y);
    return;
  }
  yaml_parser_set_input_file(&parser, file);
  if (load_document(l, y, &parser)) read_document(l, y);
  yaml_parser_delete(&parser);
  keep_lists(l, y);
}

void gw__yaml_load(gw__load *l, const char *path) {
  if (strcmp(path, "-") == 0) {
    load_stream(l, "standard input", stdin);
    return;
  }
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    gw__load_fail(l, path, "cannot be read: %s", strerror(errno));
    return;
  }
  load_stream(l, path, file);
  fclose(file);
}

/** Load a text as a document; returns its root, NULL when it is empty or after a
 * mistake, which is told. */
static yaml_node_t *load_text(gw__load *l, gw__yaml *y, const char *text) {
  yaml_parser_t parser;
  yaml_node_t *root = NULL;
  if (!yaml_parser_initialize(&parser)) {
    l->is_out_of_memory = true;
    return NULL;
  }
  yaml_parser_set_input_string(&parser, (const unsigned char *)text,
                               strlen(text));
  size_t before = l->num_errors;
  if (load_document(l, y, &parser)) {
    root = yaml_document_get_root_node(&y->document);
    y->is_empty = root == NULL;
  }
  if (l->num_errors != before) root = NULL;
  yaml_parser_delete(&parser);
  return root;
}

void gw__yaml_load_list(gw__load *l, const char *name, const char *text,
                        const char *where) {
  size_t number = gw__list_number(name);
  gw__yaml *y = new_yaml(l, where, false);
  if (y == NULL) return;
  yaml_node_t *root = load_text(l, y, text);
  if (root != NULL && is_list(number, root)) {
    y->lists[number] = root;
  } else if (root != NULL || y->is_empty) {
    gw__load_fail(l, where, "%s: must be a list, such as %s", name,
                  number < GW__NUM_LISTS
                      ? "[{path: ..}]"
                      : "[{name: room, history: {size: 100}}]");
  }
  keep_lists(l, y);
}

void gw__yaml_load_machines(gw__load *l, const char *text, const char *where) {
  gw__yaml *y = new_yaml(l, where, false);
  if (y == NULL) return;
  yaml_node_t *root = load_text(l, y, text);
  if (root != NULL && root->type == YAML_SEQUENCE_NODE) {
    gw__machines_read(l, y, root);
  } else if (root != NULL || y->is_empty) {
    gw__load_fail(l, where,
                  "machines: must be a list, such as [{name: door, attach: "
                  "free, states: [shut, open], transitions: [{from: shut, to: "
                  "open}]}]");
  }
  free_yaml(y);
}

/* ---- namespaces ------------------------------------------------------------
 */

static bool is_taken(const gw_namespace *spaces, size_t num, const char *name) {
  for (size_t i = 0; i < num; i++) {
    if (spaces[i].name != NULL && strcmp(spaces[i].name, name) == 0) {
      return true;
    }
  }
  return false;
}

static void read_namespace(gw__load *l, gw__yaml *y, yaml_node_t *node,
                           size_t number) {
  gw_namespace *spaces = l->config->namespaces;
  gw_namespace *space = &spaces[number];
  gw__targets targets = gw__targets_of_namespace(space);
  reading r = {l, y, &targets, space, ""};
  char where[GW__WHERE_MAX];
  size_t before = l->num_errors;
  (void)snprintf(r.outer, sizeof r.outer, "namespaces[%zu].", number);
  gw__yaml_where(y, node, where);
  if (gw__namespace_copy(space, &l->config->base) < 0)
    l->is_out_of_memory = true;
  if (node->type != YAML_MAPPING_NODE) {
    gw__load_fail(l, where, "namespaces[%zu]: must hold keys and values",
                  number);
    return;
  }
  read_mapping(&r, node, "");
  if (space->name == NULL) {
    if (l->num_errors == before) {
      gw__load_fail(l, where, "namespaces[%zu]: has no name", number);
    }
  } else if (is_taken(spaces, number, space->name)) {
    gw__load_fail(l, where, "namespaces[%zu].name: there is another '%s'",
                  number, space->name);
  }
}

static void apply_namespaces(gw__load *l) {
  gw__yaml *y = l->lists[GW__NUM_LISTS];
  gw_config *c = l->config;
  size_t num = 0;
  yaml_node_item_t *items = NULL;
  if (y != NULL) {
    yaml_node_t *list = y->lists[GW__NUM_LISTS];
    items = list->data.sequence.items.start;
    num = (size_t)(list->data.sequence.items.top - items);
  }
  /* And that of shared state, and that of the rest. */
  c->namespaces = calloc(num + 2, sizeof *c->namespaces);
  if (c->namespaces == NULL) {
    l->is_out_of_memory = true;
    return;
  }
  for (size_t i = 0; i < num; i++) {
    read_namespace(l, y, yaml_document_get_node(&y->document, items[i]), i);
  }
  num = gw__config_add_state(l, num);
  c->settings.namespaces = c->namespaces;
  c->settings.num_namespaces = num + 1;
  int err = gw__namespace_copy(&c->namespaces[num], &c->base);
  c->namespaces[num].name = strdup("");
  if (err < 0 || c->namespaces[num].name == NULL) l->is_out_of_memory = true;
}

/* ---- other lists -------------------------------------------------------------
 */

/** A list that is being read. */
typedef struct listing {
  gw__load *load;
  gw__yaml *yaml;
  const gw__list *list;
  char *items;
  size_t num;
} listing;

static void set_key(const reading *r, const char *path, yaml_node_t *value) {
  char where[GW__WHERE_MAX];
  void *at = NULL;
  const gw__key *key = gw__targets_find(r->targets, path, &at);
  read_value(r, key, at, value, gw__yaml_where(r->yaml, value, where));
}

/** The i-th item: a mapping of keys, a single value, or a pair of these. */
static void read_item(listing *l, size_t i, yaml_node_t *first,
                      yaml_node_t *second) {
  void *item = l->items + i * l->list->item_size;
  gw__targets targets = gw__targets_of_item(l->list, item);
  reading r = {l->load, l->yaml, &targets, NULL, ""};
  memcpy(item, l->list->defaults, l->list->item_size);
  if (gw__texts_init(l->list->keys, item) < 0) l->load->is_out_of_memory = true;
  (void)snprintf(r.outer, sizeof r.outer, "%s[%zu].", l->list->name, i);
  l->num = i + 1;
  if (l->load->is_out_of_memory) return;
  if (second == NULL && first->type == YAML_MAPPING_NODE) {
    read_mapping(&r, first, "");
    return;
  }
  set_key(&r, l->list->first, first);
  if (second != NULL) set_key(&r, l->list->second, second);
}

static void read_pairs(listing *l, yaml_node_t *mapping) {
  yaml_document_t *document = &l->yaml->document;
  yaml_node_pair_t *pairs = mapping->data.mapping.pairs.start;
  for (size_t i = 0; pairs + i < mapping->data.mapping.pairs.top; i++)
    read_item(l, i, yaml_document_get_node(document, pairs[i].key),
              yaml_document_get_node(document, pairs[i].value));
}

static void read_sequence(listing *l, yaml_node_t *sequence) {
  yaml_node_item_t *items = sequence->data.sequence.items.start;
  for (size_t i = 0; items + i < sequence->data.sequence.items.top; i++)
    read_item(l, i, yaml_document_get_node(&l->yaml->document, items[i]), NULL);
}

static size_t num_items(const yaml_node_t *node) {
  if (node->type == YAML_MAPPING_NODE)
    return (size_t)(node->data.mapping.pairs.top -
                    node->data.mapping.pairs.start);
  return (size_t)(node->data.sequence.items.top -
                  node->data.sequence.items.start);
}

static void apply_list(gw__load *load, size_t number) {
  listing l = {load, load->lists[number], &gw__lists[number], NULL, 0};
  char *c = (char *)load->config;
  if (l.yaml == NULL) return;
  yaml_node_t *node = l.yaml->lists[number];
  l.items = calloc(num_items(node) + 1, l.list->item_size);
  if (l.items == NULL) {
    load->is_out_of_memory = true;
    return;
  }
  if (node->type == YAML_MAPPING_NODE)
    read_pairs(&l, node);
  else
    read_sequence(&l, node);
  *(char **)(void *)(c + l.list->items_at) = l.items;
  *(size_t *)(void *)(c + l.list->num_at) = l.num;
}

void gw__yaml_apply_lists(gw__load *l) {
  apply_namespaces(l);
  for (size_t i = 0; i < GW__NUM_LISTS; i++)
    apply_list(l, i);
  for (size_t i = 0; i <= GW__NUM_LISTS; i++) {
    free_yaml(l->lists[i]);
    l->lists[i] = NULL;
  }
}
