/* A management library of one card, for tests of who locks its clocks: it writes down every call that changes
 * something, and fails where it is told to. FAKE_NVML_LOG is the file, FAKE_NVML is `name=value` separated by commas:
 * the name of a call gives what it returns (an nvmlReturn_t), `mig`, `virtualization` and `processes` what it tells. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int nvmlReturn_t;
static const char uuid_of_card[] = "GPU-1b2c3d4e-0000-1111-2222-333344445555";
static int card;

static long told(const char *name, long otherwise) {
    const char *text = getenv("FAKE_NVML");
    size_t length = strlen(name);
    while (text && *text) {
        if (strncmp(text, name, length) == 0 && text[length] == '=') return atol(text + length + 1);
        text = strchr(text, ',');
        if (text) text++;
    }
    return otherwise;
}

static nvmlReturn_t note(const char *name, int low, int high) {
    nvmlReturn_t status = (nvmlReturn_t)told(name, 0);
    FILE *file = fopen(getenv("FAKE_NVML_LOG"), "a");
    if (low >= 0) fprintf(file, "%s %d %d = %d\n", name, low, high, status);
    else fprintf(file, "%s = %d\n", name, status);
    fclose(file);
    return status;
}

nvmlReturn_t nvmlInit_v2(void) { return 0; }
nvmlReturn_t nvmlInitWithFlags(unsigned flags) { (void)flags; return 0; }
nvmlReturn_t nvmlShutdown(void) { return 0; }
const char *nvmlErrorString(nvmlReturn_t status) { return status == 4 ? "Insufficient Permissions" : "Not Supported"; }

nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, void **found) {
    if (strcmp(uuid, uuid_of_card) != 0) return 6;
    *found = &card;
    return 0;
}
nvmlReturn_t nvmlDeviceGetMigMode(void *which, unsigned *now, unsigned *next) {
    (void)which;
    *now = *next = (unsigned)told("mig", 0);
    return 0;
}
nvmlReturn_t nvmlDeviceGetVirtualizationMode(void *which, unsigned *mode) {
    (void)which;
    *mode = (unsigned)told("virtualization", 0);
    return 0;
}
nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(void *which, unsigned *count, void *found) {
    unsigned running = (unsigned)told("processes", 1), room = *count;
    (void)which;
    *count = running;
    if (running == 0) return 0;
    if (room < running || !found) return 7;
    memset(found, 0, running * 24);
    return 0;
}
nvmlReturn_t nvmlDeviceGetDefaultApplicationsClock(void *which, int kind, unsigned *mhz) {
    (void)which; (void)kind;
    *mhz = 1410;
    return (nvmlReturn_t)told("nvmlDeviceGetDefaultApplicationsClock", 0);
}
nvmlReturn_t nvmlDeviceGetMaxClockInfo(void *which, int kind, unsigned *mhz) {
    (void)which;
    *mhz = kind == 2 ? 5001 : 1980;
    return (nvmlReturn_t)told("nvmlDeviceGetMaxClockInfo", 0);
}
nvmlReturn_t nvmlDeviceSetGpuLockedClocks(void *which, unsigned low, unsigned high) {
    (void)which;
    return note("nvmlDeviceSetGpuLockedClocks", (int)low, (int)high);
}
nvmlReturn_t nvmlDeviceSetMemoryLockedClocks(void *which, unsigned low, unsigned high) {
    (void)which;
    return note("nvmlDeviceSetMemoryLockedClocks", (int)low, (int)high);
}
nvmlReturn_t nvmlDeviceResetGpuLockedClocks(void *which) { (void)which; return note("nvmlDeviceResetGpuLockedClocks", -1, -1); }
nvmlReturn_t nvmlDeviceResetMemoryLockedClocks(void *which) { (void)which; return note("nvmlDeviceResetMemoryLockedClocks", -1, -1); }
