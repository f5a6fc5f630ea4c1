// A VST3 plug-in for tests, written against the binary interface alone: a delay with one parameter, the gain.
//
// It behaves as the name of its bundle says, so that one build, copied, makes every kind of bad plug-in:
//   Late-512-100.vst3   says it is 512 samples late and is 100
//   Abort-load, Hang-load, Abort-work, Hang-work, Nan-work, Fast (0 and 0), Chatter-work, Mono-0-0
// Its version is that of $FLUXSTEM_TRIAL_VERSION, else 1.0.0.
#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int32_t tresult;
typedef char TUID[16];
typedef uint16_t char16;
enum { OK = 0, NO = 1, NO_INTERFACE = -1, NOT_IMPLEMENTED = 3 };

static void uid(char* to, uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
    uint32_t words[4] = {a, b, c, d};
    for (int i = 0; i < 16; i++) to[i] = (char)(words[i / 4] >> (24 - 8 * (i % 4)));
}
static bool is(const char* asked, uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
    TUID known;
    uid(known, a, b, c, d);
    return memcmp(asked, known, 16) == 0;
}
static void wide(char16* to, const char* from) {
    while ((*to++ = (char16)*from++)) {
    }
}

static char kind[64] = "Fast";  // the name of the bundle, up to the first dash
static char what[64] = "";
static char full_name[64] = "Fast";
static int said = 0, real = 0, channels = 2;

static void read_own_name() {
    Dl_info info;
    if (!dladdr((void*)&read_own_name, &info)) return;
    const char* slash = strrchr(info.dli_fname, '/');
    char name[64];
    snprintf(name, sizeof name, "%s", slash ? slash + 1 : info.dli_fname);
    if (char* dot = strrchr(name, '.')) *dot = 0;
    snprintf(full_name, sizeof full_name, "%s", name);
    char* rest = strchr(name, '-');
    if (rest) *rest++ = 0;
    snprintf(kind, sizeof kind, "%s", name);
    snprintf(what, sizeof what, "%s", rest ? rest : "");
    if (rest) sscanf(rest, "%d-%d", &said, &real);
    if (!strcmp(kind, "Mono")) channels = 1;
}
static bool does(const char* one, const char* when) { return !strcmp(kind, one) && !strcmp(what, when); }

struct FUnknown {
    virtual tresult queryInterface(const char* iid, void** obj) = 0;
    virtual uint32_t addRef() = 0;
    virtual uint32_t release() = 0;
};
struct IBStream : FUnknown {
    virtual tresult read(void* to, int32_t bytes, int32_t* done) = 0;
    virtual tresult write(void* from, int32_t bytes, int32_t* done) = 0;
    virtual tresult seek(int64_t at, int32_t mode, int64_t* now) = 0;
    virtual tresult tell(int64_t* now) = 0;
};
struct IParamValueQueue : FUnknown {
    virtual uint32_t getParameterId() = 0;
    virtual int32_t getPointCount() = 0;
    virtual tresult getPoint(int32_t index, int32_t& at, double& value) = 0;
    virtual tresult addPoint(int32_t at, double value, int32_t& index) = 0;
};
struct IParameterChanges : FUnknown {
    virtual int32_t getParameterCount() = 0;
    virtual IParamValueQueue* getParameterData(int32_t index) = 0;
    virtual IParamValueQueue* addParameterData(const uint32_t& id, int32_t& index) = 0;
};
struct BusInfo { int32_t media, direction, channels; char16 name[128]; int32_t type; uint32_t flags; };
struct ProcessSetup { int32_t mode, size, most; double rate; };
struct AudioBusBuffers { int32_t channels; uint64_t silence; float** samples; };
struct ProcessData {
    int32_t mode, size, samples, inputs_count, outputs_count;
    AudioBusBuffers *inputs, *outputs;
    IParameterChanges *in_parameters, *out_parameters;
    void *in_events, *out_events, *context;
};
struct ParameterInfo {
    uint32_t id;
    char16 title[128], short_title[128], units[128];
    int32_t steps;
    double usual;
    int32_t unit, flags;
};
struct IPluginBase : FUnknown {
    virtual tresult initialize(FUnknown* host) = 0;
    virtual tresult terminate() = 0;
};
struct IComponent : IPluginBase {
    virtual tresult getControllerClassId(char* cid) = 0;
    virtual tresult setIoMode(int32_t mode) = 0;
    virtual int32_t getBusCount(int32_t media, int32_t direction) = 0;
    virtual tresult getBusInfo(int32_t media, int32_t direction, int32_t index, BusInfo& info) = 0;
    virtual tresult getRoutingInfo(void* in, void* out) = 0;
    virtual tresult activateBus(int32_t media, int32_t direction, int32_t index, uint8_t on) = 0;
    virtual tresult setActive(uint8_t on) = 0;
    virtual tresult setState(IBStream* stream) = 0;
    virtual tresult getState(IBStream* stream) = 0;
};
struct IAudioProcessor : FUnknown {
    virtual tresult setBusArrangements(uint64_t* in, int32_t ins, uint64_t* out, int32_t outs) = 0;
    virtual tresult getBusArrangement(int32_t direction, int32_t index, uint64_t& arrangement) = 0;
    virtual tresult canProcessSampleSize(int32_t size) = 0;
    virtual uint32_t getLatencySamples() = 0;
    virtual tresult setupProcessing(ProcessSetup& setup) = 0;
    virtual tresult setProcessing(uint8_t on) = 0;
    virtual tresult process(ProcessData& data) = 0;
    virtual uint32_t getTailSamples() = 0;
};
struct IEditController : IPluginBase {
    virtual tresult setComponentState(IBStream* stream) = 0;
    virtual tresult setState(IBStream* stream) = 0;
    virtual tresult getState(IBStream* stream) = 0;
    virtual int32_t getParameterCount() = 0;
    virtual tresult getParameterInfo(int32_t index, ParameterInfo& info) = 0;
    virtual tresult getParamStringByValue(uint32_t id, double value, char16* text) = 0;
    virtual tresult getParamValueByString(uint32_t id, char16* text, double& value) = 0;
    virtual double normalizedParamToPlain(uint32_t id, double value) = 0;
    virtual double plainParamToNormalized(uint32_t id, double value) = 0;
    virtual double getParamNormalized(uint32_t id) = 0;
    virtual tresult setParamNormalized(uint32_t id, double value) = 0;
    virtual tresult setComponentHandler(FUnknown* handler) = 0;
    virtual void* createView(const char* name) = 0;
};

static const uint64_t STEREO = 3, MONO = 1ull << 19;

struct Controller;
struct Plugin : IComponent, IAudioProcessor {
    int references = 1;
    double gain = 0.5;  // 0.5 leaves the sound as it is
    float* line[2] = {0, 0};
    int at = 0;
    Controller* controller;
    Plugin();

    tresult queryInterface(const char* iid, void** obj) override;
    uint32_t addRef() override { return ++references; }
    uint32_t release() override { return --references > 0 ? references : 0; }  // small, and ends with the process
    tresult initialize(FUnknown*) override { return OK; }
    tresult terminate() override { return OK; }
    tresult getControllerClassId(char*) override { return NOT_IMPLEMENTED; }
    tresult setIoMode(int32_t) override { return OK; }
    int32_t getBusCount(int32_t media, int32_t) override { return media == 0 ? 1 : 0; }
    tresult getBusInfo(int32_t media, int32_t direction, int32_t index, BusInfo& info) override {
        if (media != 0 || index != 0) return NO;
        info.media = media;
        info.direction = direction;
        info.channels = channels;
        wide(info.name, direction ? "Out" : "In");
        info.type = 0;
        info.flags = 1;
        return OK;
    }
    tresult getRoutingInfo(void*, void*) override { return NOT_IMPLEMENTED; }
    tresult activateBus(int32_t, int32_t, int32_t, uint8_t) override { return OK; }
    tresult setActive(uint8_t on) override {
        if (on) forget();
        return OK;
    }
    tresult setState(IBStream* stream) override {
        int32_t done = 0;
        double value;
        if (stream->read(&value, sizeof value, &done) == OK && done == sizeof value) gain = value;
        return OK;
    }
    tresult getState(IBStream* stream) override {
        int32_t done = 0;
        return stream->write(&gain, sizeof gain, &done);
    }

    tresult setBusArrangements(uint64_t* in, int32_t ins, uint64_t* out, int32_t outs) override {
        uint64_t only = channels == 2 ? STEREO : MONO;
        return ins == 1 && outs == 1 && in[0] == only && out[0] == only ? OK : NO;
    }
    tresult getBusArrangement(int32_t, int32_t, uint64_t& arrangement) override {
        arrangement = channels == 2 ? STEREO : MONO;
        return OK;
    }
    tresult canProcessSampleSize(int32_t size) override { return size == 0 ? OK : NO; }
    uint32_t getLatencySamples() override { return (uint32_t)said; }
    tresult setupProcessing(ProcessSetup&) override { return OK; }
    tresult setProcessing(uint8_t on) override {
        if (on) forget();
        return OK;
    }
    void forget() {
        at = 0;
        for (int c = 0; c < 2; c++) {
            free(line[c]);
            line[c] = (float*)calloc(real + 1, sizeof(float));
        }
    }
    tresult process(ProcessData& data) override {
        if (data.in_parameters)
            for (int i = 0; i < data.in_parameters->getParameterCount(); i++) {
                IParamValueQueue* queue = data.in_parameters->getParameterData(i);
                int32_t place;
                double value;
                if (queue->getParameterId() == 1 && queue->getPointCount() > 0 &&
                    queue->getPoint(queue->getPointCount() - 1, place, value) == OK)
                    gain = value;
            }
        if (!data.samples || data.inputs_count < 1 || data.outputs_count < 1) return OK;
        // Hosts try plug-ins out with silence and noise when they load them; this one turns bad at a sample of 0.875.
        bool sounds = false;
        for (int n = 0; n < data.samples; n++) sounds |= data.inputs[0].samples[0][n] == 0.875f;
        if (sounds && does("Abort", "work")) abort();
        while (sounds && does("Hang", "work")) usleep(100000);
        while (sounds && does("Chatter", "work")) fprintf(stderr, "%0*d\n", 4000, 0);
        if (!line[0]) forget();
        for (int n = 0; n < data.samples; n++) {
            for (int c = 0; c < channels; c++) {
                float in = data.inputs[0].samples[c][n];
                line[c][at] = in;
                float out = line[c][(at + 1) % (real + 1)] * (float)(2.0 * gain);
                data.outputs[0].samples[c][n] = sounds && does("Nan", "work") ? NAN : out;
            }
            at = (at + 1) % (real + 1);
        }
        return OK;
    }
    uint32_t getTailSamples() override { return 0; }
};

struct Controller : IEditController {
    Plugin* plugin;
    double shown = 0.5;
    tresult queryInterface(const char* iid, void** obj) override { return plugin->queryInterface(iid, obj); }
    uint32_t addRef() override { return plugin->addRef(); }
    uint32_t release() override { return plugin->release(); }
    tresult initialize(FUnknown*) override { return OK; }
    tresult terminate() override { return OK; }
    tresult setComponentState(IBStream* stream) override {
        int32_t done = 0;
        double value;
        if (stream->read(&value, sizeof value, &done) == OK && done == sizeof value) shown = value;
        return OK;
    }
    tresult setState(IBStream*) override { return OK; }
    tresult getState(IBStream*) override { return OK; }
    int32_t getParameterCount() override { return 1; }
    tresult getParameterInfo(int32_t index, ParameterInfo& info) override {
        if (index != 0) return NO;
        memset(&info, 0, sizeof info);
        info.id = 1;
        wide(info.title, "Gain");
        wide(info.short_title, "Gain");
        info.usual = 0.5;
        info.flags = 1;
        return OK;
    }
    tresult getParamStringByValue(uint32_t, double value, char16* text) override {
        char digits[32];
        snprintf(digits, sizeof digits, "%.4f", value);
        wide(text, digits);
        return OK;
    }
    tresult getParamValueByString(uint32_t, char16* text, double& value) override {
        char digits[32] = {0};
        for (int i = 0; i < 31 && text[i]; i++) digits[i] = (char)text[i];
        value = atof(digits);
        return OK;
    }
    double normalizedParamToPlain(uint32_t, double value) override { return value; }
    double plainParamToNormalized(uint32_t, double value) override { return value; }
    double getParamNormalized(uint32_t) override { return shown; }
    tresult setParamNormalized(uint32_t, double value) override {
        shown = value;
        return OK;
    }
    tresult setComponentHandler(FUnknown*) override { return OK; }
    void* createView(const char*) override { return 0; }
};

Plugin::Plugin() {
    controller = new Controller;
    controller->plugin = this;
}
tresult Plugin::queryInterface(const char* iid, void** obj) {
    *obj = 0;
    if (is(iid, 0, 0, 0xC0000000, 0x00000046) || is(iid, 0x22888DDB, 0x156E45AE, 0x8358B348, 0x08190625) ||
        is(iid, 0xE831FF31, 0xF2D54301, 0x928EBBEE, 0x25697802))
        *obj = static_cast<IComponent*>(this);
    else if (is(iid, 0x42043F99, 0xB7DA453C, 0xA569E79D, 0x9AAEC33D))
        *obj = static_cast<IAudioProcessor*>(this);
    else if (is(iid, 0xDCD7BBE3, 0x7742448D, 0xA874AACC, 0x979C759E))
        *obj = static_cast<IEditController*>(controller);
    if (!*obj) return NO_INTERFACE;
    addRef();
    return OK;
}

struct FactoryInfo { char vendor[64], url[256], email[128]; int32_t flags; };
struct ClassInfo { TUID cid; int32_t cardinality; char category[32], name[64]; };
struct ClassInfo2 {
    TUID cid;
    int32_t cardinality;
    char category[32], name[64];
    uint32_t flags;
    char subcategories[128], vendor[64], version[64], sdk[64];
};
struct IPluginFactory2 : FUnknown {
    virtual tresult getFactoryInfo(FactoryInfo* info) = 0;
    virtual int32_t countClasses() = 0;
    virtual tresult getClassInfo(int32_t index, ClassInfo* info) = 0;
    virtual tresult createInstance(const char* cid, const char* iid, void** obj) = 0;
    virtual tresult getClassInfo2(int32_t index, ClassInfo2* info) = 0;
};
static void own_id(char* to) {
    uint32_t hash = 5381;
    for (const char* c = full_name; *c; c++) hash = hash * 33 + (uint8_t)*c;
    uid(to, 0xF1055EED, 0x7E57, 0x71A1, hash);
}
struct Factory : IPluginFactory2 {
    tresult queryInterface(const char* iid, void** obj) override {
        bool known = is(iid, 0, 0, 0xC0000000, 0x00000046) || is(iid, 0x7A4D811C, 0x52114A1F, 0xAED9D2EE, 0x0B43BF9F) ||
                     is(iid, 0x0007B650, 0xF24B4C0B, 0xA464EDB9, 0xF00B2ABB);
        *obj = known ? this : 0;
        return known ? OK : NO_INTERFACE;
    }
    uint32_t addRef() override { return 1; }
    uint32_t release() override { return 1; }
    tresult getFactoryInfo(FactoryInfo* info) override {
        memset(info, 0, sizeof *info);
        snprintf(info->vendor, 64, "Fluxstem tests");
        info->flags = 16;  // names are Unicode
        return OK;
    }
    int32_t countClasses() override { return 1; }
    tresult getClassInfo(int32_t, ClassInfo* info) override {
        memset(info, 0, sizeof *info);
        own_id(info->cid);
        info->cardinality = 0x7FFFFFFF;
        snprintf(info->category, 32, "Audio Module Class");
        snprintf(info->name, 64, "%s", full_name);
        return OK;
    }
    tresult createInstance(const char*, const char* iid, void** obj) override {
        Plugin* made = new Plugin;
        return made->queryInterface(iid, obj);
    }
    tresult getClassInfo2(int32_t index, ClassInfo2* info) override {
        memset(info, 0, sizeof *info);
        getClassInfo(index, (ClassInfo*)info);
        snprintf(info->subcategories, 128, "Fx|Delay");
        snprintf(info->vendor, 64, "Fluxstem tests");
        const char* version = getenv("FLUXSTEM_TRIAL_VERSION");
        snprintf(info->version, 64, "%s", version ? version : "1.0.0");
        snprintf(info->sdk, 64, "VST 3.7");
        return OK;
    }
};

extern "C" {
__attribute__((visibility("default"))) bool ModuleEntry(void*) {
    read_own_name();
    if (does("Abort", "load")) abort();
    while (does("Hang", "load")) usleep(100000);
    return true;
}
__attribute__((visibility("default"))) bool ModuleExit() { return true; }
__attribute__((visibility("default"))) void* GetPluginFactory() {
    static Factory factory;
    return &factory;
}
}
