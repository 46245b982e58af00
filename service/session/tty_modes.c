/* Terminal modes. Input: the client's encoded modes. Output: a struct termios. RFC 4254 section 8. */
#include "session/tty_modes.h"

#include <unistd.h>

#include <sallyport/wire.h>

#define OPCODE_END 0u
#define OPCODE_INPUT_SPEED 128u
#define OPCODE_OUTPUT_SPEED 129u
#define OPCODE_ARGUMENT_MAX 159u /* 1 to 159 have a uint32; what is above stops parsing */
#define CHARACTER_DISABLED 255u

enum mode_kind { MODE_CHARACTER, MODE_INPUT, MODE_OUTPUT, MODE_LOCAL, MODE_CONTROL, MODE_SIZE };

struct mode_row {
    uint8_t opcode;
    uint8_t kind;
    tcflag_t value; /* index of c_cc, or a flag */
};

/* VDSUSP (11), VFLUSH (15), VSTATUS (17) are not known to Linux. */
static const struct mode_row mode_rows[] = {
    {1, MODE_CHARACTER, VINTR},   {2, MODE_CHARACTER, VQUIT},     {3, MODE_CHARACTER, VERASE},
    {4, MODE_CHARACTER, VKILL},   {5, MODE_CHARACTER, VEOF},      {6, MODE_CHARACTER, VEOL},
    {7, MODE_CHARACTER, VEOL2},   {8, MODE_CHARACTER, VSTART},    {9, MODE_CHARACTER, VSTOP},
    {10, MODE_CHARACTER, VSUSP},  {12, MODE_CHARACTER, VREPRINT}, {13, MODE_CHARACTER, VWERASE},
    {14, MODE_CHARACTER, VLNEXT}, {16, MODE_CHARACTER, VSWTC},    {18, MODE_CHARACTER, VDISCARD},
    {30, MODE_INPUT, IGNPAR},     {31, MODE_INPUT, PARMRK},       {32, MODE_INPUT, INPCK},
    {33, MODE_INPUT, ISTRIP},     {34, MODE_INPUT, INLCR},        {35, MODE_INPUT, IGNCR},
    {36, MODE_INPUT, ICRNL},      {37, MODE_INPUT, IUCLC},        {38, MODE_INPUT, IXON},
    {39, MODE_INPUT, IXANY},      {40, MODE_INPUT, IXOFF},        {41, MODE_INPUT, IMAXBEL},
    {42, MODE_INPUT, IUTF8},      {50, MODE_LOCAL, ISIG},         {51, MODE_LOCAL, ICANON},
    {52, MODE_LOCAL, XCASE},      {53, MODE_LOCAL, ECHO},         {54, MODE_LOCAL, ECHOE},
    {55, MODE_LOCAL, ECHOK},      {56, MODE_LOCAL, ECHONL},       {57, MODE_LOCAL, NOFLSH},
    {58, MODE_LOCAL, TOSTOP},     {59, MODE_LOCAL, IEXTEN},       {60, MODE_LOCAL, ECHOCTL},
    {61, MODE_LOCAL, ECHOKE},     {62, MODE_LOCAL, PENDIN},       {70, MODE_OUTPUT, OPOST},
    {71, MODE_OUTPUT, OLCUC},     {72, MODE_OUTPUT, ONLCR},       {73, MODE_OUTPUT, OCRNL},
    {74, MODE_OUTPUT, ONOCR},     {75, MODE_OUTPUT, ONLRET},      {90, MODE_SIZE, CS7},
    {91, MODE_SIZE, CS8},         {92, MODE_CONTROL, PARENB},     {93, MODE_CONTROL, PARODD},
};

static const struct {
    uint32_t bits_per_second;
    speed_t speed;
} speed_rows[] = {
    {50, B50},       {75, B75},         {110, B110},       {134, B134},       {150, B150},
    {200, B200},     {300, B300},       {600, B600},       {1200, B1200},     {1800, B1800},
    {2400, B2400},   {4800, B4800},     {9600, B9600},     {19200, B19200},   {38400, B38400},
    {57600, B57600}, {115200, B115200}, {230400, B230400}, {460800, B460800}, {921600, B921600},
};

static void flag_set(tcflag_t *flags, tcflag_t flag, uint32_t on)
{
    *flags = on ? *flags | flag : *flags & ~flag;
}

static void mode_apply(const struct mode_row *row, uint32_t argument, struct termios *modes)
{
    switch ((enum mode_kind)row->kind) {
    case MODE_CHARACTER:
        modes->c_cc[row->value] = argument == CHARACTER_DISABLED ? (cc_t)_POSIX_VDISABLE : (cc_t)argument;
        break;
    case MODE_INPUT:
        flag_set(&modes->c_iflag, row->value, argument);
        break;
    case MODE_OUTPUT:
        flag_set(&modes->c_oflag, row->value, argument);
        break;
    case MODE_LOCAL:
        flag_set(&modes->c_lflag, row->value, argument);
        break;
    case MODE_CONTROL:
        flag_set(&modes->c_cflag, row->value, argument);
        break;
    case MODE_SIZE: /* CS7 and CS8 are values of one field: "not CS7" says nothing */
        if (argument)
            modes->c_cflag = (modes->c_cflag & ~(tcflag_t)CSIZE) | row->value;
        break;
    }
}

static void speed_apply(unsigned opcode, uint32_t bits_per_second, struct termios *modes)
{
    for (size_t i = 0; i < sizeof speed_rows / sizeof speed_rows[0]; i++) {
        if (speed_rows[i].bits_per_second != bits_per_second)
            continue;
        if (opcode == OPCODE_INPUT_SPEED)
            (void)cfsetispeed(modes, speed_rows[i].speed);
        else
            (void)cfsetospeed(modes, speed_rows[i].speed);
    }
}

static void opcode_apply(unsigned opcode, uint32_t argument, struct termios *modes)
{
    if (opcode == OPCODE_INPUT_SPEED || opcode == OPCODE_OUTPUT_SPEED)
        speed_apply(opcode, argument, modes);
    for (size_t i = 0; i < sizeof mode_rows / sizeof mode_rows[0]; i++)
        if (mode_rows[i].opcode == opcode)
            mode_apply(&mode_rows[i], argument, modes);
}

int tty_modes_apply(struct sp_span encoded, struct termios *modes)
{
    struct termios applied = *modes;
    struct sp_in in = sp_in_of(encoded);
    while (in.left != 0) {
        unsigned opcode = sp_get_u8(&in);
        if (opcode == OPCODE_END || opcode > OPCODE_ARGUMENT_MAX)
            break;
        uint32_t argument = sp_get_u32(&in);
        if (in.bad)
            return SP_E_MALFORMED;
        opcode_apply(opcode, argument, &applied);
    }
    *modes = applied;
    return 0;
}
