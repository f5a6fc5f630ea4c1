// Messages for the Fluxstem bridge, for [js fluxstem.js] in Max: left outlet to [udpsend], right outlet: the id of a job.
//   tokenfile PATH, connect PORT   first: the token of the bridge, and where [udpreceive] listens
//   TASK PATH PROMPT NAME=VALUE    starts a job with an id of its own
//   cancel, result                 of the last job; cancel ID, result ID of another
inlets = 1;
outlets = 2;

var TASKS = ["isolate", "remove", "regenerate", "restyle", "replace", "inpaint", "extend", "generate", "arrange"];
var token = "";
var last = "";
var number = 0;

function tokenfile(path) {
    var file = new File(path, "read");
    if (!file.isopen) {
        error("there is no file " + path + "\n");
        return;
    }
    token = file.readline(200);
    file.close();
    prove();
}

function prove() {
    if (token !== "") outlet(0, "/fluxstem/auth", "", token);
}

// [udpsend] and [udpreceive] are two sockets; the bridge is told where to answer. One that is started anew does not know it.
function connect(port) {
    prove();
    outlet(0, "/fluxstem/connect", "127.0.0.1", port);
    listening = port;
}
var listening = 0;

function cancel(id) {
    about("cancel", id);
}

function result(id) {
    about("result", id);
}

function about(what, id) {
    again();
    outlet(0, "/fluxstem/" + what, id === undefined ? last : id);
}

function again() {
    if (listening > 0) connect(listening);
    else prove();
}

function anything() {
    if (TASKS.indexOf(messagename) < 0) {
        error("there is no task " + messagename + "\n");
        return;
    }
    number += 1;
    last = "max-" + new Date().getTime() + "-" + number;
    again();
    outlet.apply(this, [0, "/fluxstem/" + messagename, last].concat(arrayfromargs(arguments)));
    outlet(1, last);
}
