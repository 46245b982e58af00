/*
 * Between the files that answer questions: control_answers.c (the table; the policy, reports, keys), control_sessions.c,
 * control_status.c, control_metrics.c, and control_json.c, which helps them.
 */
#pragma once

#include "monitor/control.h"

struct monitor;
struct connection;

/* Questions: argument as it came; *into is filled. 0, or CONTROL_E_UNANSWERED with *why. */
int answer_running(struct monitor *m, const struct control_asked *asked, json_t *into,
                   char why[CONTROL_WHY_MAX]) MUST_USE;
int answer_status(struct monitor *m, const struct control_asked *asked, json_t *into,
                  char why[CONTROL_WHY_MAX]) MUST_USE;
int answer_connection(struct monitor *m, const struct control_asked *asked, json_t *into,
                      char why[CONTROL_WHY_MAX]) MUST_USE;
int answer_connections(struct monitor *m, const struct control_asked *asked, json_t *into,
                       char why[CONTROL_WHY_MAX]) MUST_USE;
int answer_refresh(struct monitor *m, const struct control_asked *asked, json_t *into,
                   char why[CONTROL_WHY_MAX]) MUST_USE;
int answer_report(struct monitor *m, const struct control_asked *asked, json_t *into,
                  char why[CONTROL_WHY_MAX]) MUST_USE;
int answer_keys(struct monitor *m, const struct control_asked *asked, json_t *into,
                char why[CONTROL_WHY_MAX]) MUST_USE;
int answer_failures(struct monitor *m, const struct control_asked *asked, json_t *into,
                    char why[CONTROL_WHY_MAX]) MUST_USE;
int answer_metrics(struct monitor *m, const struct control_asked *asked, json_t *into,
                   char why[CONTROL_WHY_MAX]) MUST_USE;
int answer_kill(struct monitor *m, const struct control_asked *asked, json_t *into,
                char why[CONTROL_WHY_MAX]) MUST_USE;

/* "start": how many connections are in it, and so on. */
void connections_count(const struct monitor *m, json_t *into);
/* "tokens": each process on a token. */
struct token_states;
void tokens_describe(const struct token_states *states, json_t *into);

/* Texts of clients: what is no UTF-8 goes as hexadecimal. */
int control_unanswered(char why[CONTROL_WHY_MAX], const char *text);
void put_text(json_t *into, const char *key, struct sp_span text);
void put_string(json_t *into, const char *key, const char *text);
void put_number(json_t *into, const char *key, uint64_t number);
void put_id(json_t *into, const char *key, uint64_t id);
void put_time(json_t *into, const char *key, int64_t seconds);
json_t *names_list(struct sp_span names);
/* 16 hexadecimal digits. */
bool control_id_read(struct sp_span text, uint64_t *id);
