/* SPDX-License-Identifier: MIT */
/* yaml.c - godwit.yaml and lists of namespaces, read by libyaml.
 *
 * libyaml's documents keep the line of every node, so that each mistake, also
 * one in a value's range, is told with its line; and values stay text until
 * value.c reads them, as those of variables and flags do. That is why this is
 * not libcyaml, which turns them into C types by a schema of its own. */
#include <errno.h>
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
  if (r->space != NULL || strcmp(path, "machines") != 0) return false;
  if (value->type == YAML_SEQUENCE_NODE)
    gw__machines_read(r->load, r->yaml, value);
  else if (!gw__yaml_is_null(value))
    gw__load_fail(r->load, where, "machines: must be a list");
  return true;
}

/** The one key of a mapping that is not in the table. */
static bool read_special(const reading *r, const char *path, yaml_node_t *value,
                         const char *where) {
  if (strcmp(path, r->targets->list) != 0) return false;
  if (r->space != NULL) {
    read_name(r, value, where);
  } else if (value->type == YAML_SEQUENCE_NODE) {
    r->yaml->namespaces = value;
  } else if (!gw__yaml_is_null(value)) {
    gw__load_fail(r->load, where, "namespaces: must be a list");
  }
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

static void read_value(const reading *r, const gw__key *key, void *at,
                       yaml_node_t *value, const char *where) {
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

void gw__yaml_free(gw__yaml *y) {
  if (y == NULL) return;
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

/** Keep the document whose list of namespaces counts, free the other. */
static void keep_namespaces(gw__load *l, gw__yaml *y) {
  if (y->namespaces == NULL) {
    gw__yaml_free(y);
    return;
  }
  gw__yaml_free(l->namespaces);
  l->namespaces = y;
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
    gw__yaml_free(y);
    return;
  }
  yaml_parser_set_input_file(&parser, file);
  if (load_document(l, y, &parser)) read_document(l, y);
  yaml_parser_delete(&parser);
  keep_namespaces(l, y);
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

/** The list that a text is; NULL after a mistake, which is told. */
static yaml_node_t *load_list(gw__load *l, gw__yaml *y, const char *text,
                              const char *what) {
  yaml_parser_t parser;
  yaml_node_t *root = NULL;
  if (!yaml_parser_initialize(&parser)) {
    l->is_out_of_memory = true;
    return NULL;
  }
  yaml_parser_set_input_string(&parser, (const unsigned char *)text,
                               strlen(text));
  if (load_document(l, y, &parser)) {
    root = yaml_document_get_root_node(&y->document);
    if (root == NULL || root->type != YAML_SEQUENCE_NODE) {
      gw__load_fail(l, y->name, "%s", what);
      root = NULL;
    }
  }
  yaml_parser_delete(&parser);
  return root;
}

void gw__yaml_load_namespaces(gw__load *l, const char *text,
                              const char *where) {
  gw__yaml *y = new_yaml(l, where, false);
  if (y == NULL) return;
  y->namespaces = load_list(l, y, text,
                            "namespaces: must be a list, such as "
                            "[{name: room, history: {size: 100}}]");
  keep_namespaces(l, y);
}

void gw__yaml_load_machines(gw__load *l, const char *text, const char *where) {
  gw__yaml *y = new_yaml(l, where, false);
  if (y == NULL) return;
  yaml_node_t *list = load_list(
      l, y, text,
      "machines: must be a list, such as [{name: door, attach: free, "
      "states: [shut, open], transitions: [{from: shut, to: open}]}]");
  if (list != NULL) gw__machines_read(l, y, list);
  gw__yaml_free(y);
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

void gw__yaml_apply_namespaces(gw__load *l) {
  gw__yaml *y = l->namespaces;
  gw_config *c = l->config;
  size_t num = 0;
  yaml_node_item_t *items = NULL;
  if (y != NULL) {
    items = y->namespaces->data.sequence.items.start;
    num = (size_t)(y->namespaces->data.sequence.items.top - items);
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
