/*
 * What PAM's modules say and ask while a stage runs (pam_conv(3)), and who answers. All messages of one call are taken
 * together: their prompts become one question, their texts its instruction, so that a module's form reaches the user
 * as the module made it.
 */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"

struct login;
struct pam_message;
struct pam_response;

#define CONVERSATION_PROMPTS_MAX 32
#define CONVERSATION_ROUNDS_MAX 24u
#define CONVERSATION_ANSWER_MAX 1024u
#define CONVERSATION_TEXTS_MAX 8192u

enum conversation_mode {
    CONVERSATION_SILENT = 0, /* nobody can be asked: texts are kept, a prompt fails the stage */
    CONVERSATION_PASSWORD,   /* the password of one request answers the first prompt without echo */
    CONVERSATION_CHANGE,     /* pam_chauthtok() with an old and a new password */
    CONVERSATION_DIALOGUE,   /* keyboard-interactive: prompts go to the client */
};

struct conversation {
    enum conversation_mode mode;
    bool honest;   /* false: whatever is answered is replaced, so that it cannot be right */
    bool show;     /* texts may be shown before a prompt was answered */
    bool answered; /* a prompt of this stage was answered */
    bool replaced; /* the client sent another request, which is in the inbox, instead of answers */
    int ended;     /* LOGIN_E_* or -errno: this login is over; the stage only has to return */
    unsigned rounds;
    unsigned old_given, new_given;
    uint64_t heard_ms;                     /* when the client's last answer arrived */
    struct sp_span password, new_password; /* borrowed */
    char texts[CONVERSATION_TEXTS_MAX];    /* kept for later, NUL-terminated */
};

/* The function for pam_start(); context is the struct login. */
int conversation_speak(int count, const struct pam_message **messages, struct pam_response **responses,
                       void *context);
/* Appends a line to `room` (NUL-terminated), without control characters but line feeds and tabs. Cut where it is full. */
void text_add_line(char *room, size_t size, const char *line);
