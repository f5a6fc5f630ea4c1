{
 "patcher": {
  "fileversion": 1,
  "appversion": {
   "major": 8,
   "minor": 5,
   "revision": 0,
   "architecture": "x64",
   "modernui": 1
  },
  "classnamespace": "box",
  "rect": [
   100,
   100,
   580,
   460
  ],
  "boxes": [
   {
    "box": {
     "id": "c1",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      20,
      15,
      620,
      20
     ],
     "text": "Fluxstem for the selected clip (Remote Script 'fluxstem' must be on); generate and arrange need no clip",
     "outlettype": []
    }
   },
   {
    "box": {
     "id": "prompt",
     "maxclass": "textedit",
     "numinlets": 1,
     "numoutlets": 4,
     "patching_rect": [
      20,
      45,
      220,
      24
     ],
     "outlettype": [
      "",
      "",
      "",
      ""
     ]
    }
   },
   {
    "box": {
     "id": "task",
     "maxclass": "umenu",
     "numinlets": 1,
     "numoutlets": 3,
     "patching_rect": [
      260,
      45,
      110,
      22
     ],
     "items": [
      "isolate",
      ",",
      "remove",
      ",",
      "regenerate",
      ",",
      "restyle",
      ",",
      "replace",
      ",",
      "inpaint",
      ",",
      "extend",
      ",",
      "generate",
      ",",
      "arrange"
     ],
     "outlettype": [
      "",
      "",
      ""
     ]
    }
   },
   {
    "box": {
     "id": "c2",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      20,
      72,
      640,
      20
     ],
     "text": "what to take out or make, then Return; first the task, and in the right field more as NAME=VALUE, then Return",
     "outlettype": []
    }
   },
   {
    "box": {
     "id": "route",
     "maxclass": "newobj",
     "numinlets": 2,
     "numoutlets": 2,
     "patching_rect": [
      20,
      100,
      70,
      22
     ],
     "text": "route text",
     "outlettype": [
      "",
      ""
     ]
    }
   },
   {
    "box": {
     "id": "word",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      20,
      130,
      70,
      22
     ],
     "text": "tosymbol",
     "outlettype": [
      ""
     ]
    }
   },
   {
    "box": {
     "id": "pack",
     "maxclass": "newobj",
     "numinlets": 3,
     "numoutlets": 1,
     "patching_rect": [
      20,
      160,
      170,
      22
     ],
     "text": "pack s isolate -",
     "outlettype": [
      ""
     ]
    }
   },
   {
    "box": {
     "id": "run",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      20,
      190,
      200,
      22
     ],
     "text": "/fluxstem/live/run $2 $1 $3",
     "outlettype": [
      ""
     ]
    }
   },
   {
    "box": {
     "id": "cancel",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      240,
      190,
      140,
      22
     ],
     "text": "/fluxstem/live/cancel",
     "outlettype": [
      ""
     ]
    }
   },
   {
    "box": {
     "id": "load",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      370,
      130,
      60,
      22
     ],
     "text": "loadbang",
     "outlettype": [
      ""
     ]
    }
   },
   {
    "box": {
     "id": "answer",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      370,
      160,
      170,
      22
     ],
     "text": "/fluxstem/live/answer 11103",
     "outlettype": [
      ""
     ]
    }
   },
   {
    "box": {
     "id": "send",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      20,
      230,
      160,
      22
     ],
     "text": "udpsend 127.0.0.1 11102",
     "outlettype": []
    }
   },
   {
    "box": {
     "id": "receive",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      20,
      270,
      130,
      22
     ],
     "text": "udpreceive 11103",
     "outlettype": [
      ""
     ]
    }
   },
   {
    "box": {
     "id": "said",
     "maxclass": "newobj",
     "numinlets": 2,
     "numoutlets": 2,
     "patching_rect": [
      20,
      300,
      160,
      22
     ],
     "text": "route /fluxstem/live/said",
     "outlettype": [
      "",
      ""
     ]
    }
   },
   {
    "box": {
     "id": "parts",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 3,
     "patching_rect": [
      20,
      330,
      110,
      22
     ],
     "text": "unpack s 0. s",
     "outlettype": [
      "",
      "",
      ""
     ]
    }
   },
   {
    "box": {
     "id": "setstate",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      20,
      365,
      80,
      22
     ],
     "text": "prepend set",
     "outlettype": [
      ""
     ]
    }
   },
   {
    "box": {
     "id": "state",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      20,
      395,
      90,
      22
     ],
     "text": "",
     "outlettype": [
      ""
     ]
    }
   },
   {
    "box": {
     "id": "fraction",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      120,
      395,
      60,
      22
     ],
     "outlettype": [
      "",
      ""
     ]
    }
   },
   {
    "box": {
     "id": "settext",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      200,
      365,
      80,
      22
     ],
     "text": "prepend set",
     "outlettype": [
      ""
     ]
    }
   },
   {
    "box": {
     "id": "text",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      200,
      395,
      300,
      22
     ],
     "text": "",
     "outlettype": [
      ""
     ]
    }
   },
   {
    "box": {
     "id": "more",
     "maxclass": "textedit",
     "numinlets": 1,
     "numoutlets": 4,
     "patching_rect": [
      390,
      45,
      260,
      24
     ],
     "outlettype": [
      "",
      "",
      "",
      ""
     ]
    }
   },
   {
    "box": {
     "id": "moreroute",
     "maxclass": "newobj",
     "numinlets": 2,
     "numoutlets": 2,
     "patching_rect": [
      560,
      100,
      70,
      22
     ],
     "text": "route text",
     "outlettype": [
      "",
      ""
     ]
    }
   },
   {
    "box": {
     "id": "moreword",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      560,
      130,
      70,
      22
     ],
     "text": "tosymbol",
     "outlettype": [
      ""
     ]
    }
   },
   {
    "box": {
     "id": "c3",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      390,
      395,
      320,
      20
     ],
     "text": "replace: replacement=trumpet; extend, generate, arrange: seconds=8; - for none"
    }
   }
  ],
  "lines": [
   {
    "patchline": {
     "source": [
      "prompt",
      0
     ],
     "destination": [
      "route",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "route",
      0
     ],
     "destination": [
      "word",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "word",
      0
     ],
     "destination": [
      "pack",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "task",
      1
     ],
     "destination": [
      "pack",
      1
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "pack",
      0
     ],
     "destination": [
      "run",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "run",
      0
     ],
     "destination": [
      "send",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "cancel",
      0
     ],
     "destination": [
      "send",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "load",
      0
     ],
     "destination": [
      "answer",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "answer",
      0
     ],
     "destination": [
      "send",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "receive",
      0
     ],
     "destination": [
      "said",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "said",
      0
     ],
     "destination": [
      "parts",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "parts",
      0
     ],
     "destination": [
      "setstate",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "setstate",
      0
     ],
     "destination": [
      "state",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "parts",
      1
     ],
     "destination": [
      "fraction",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "parts",
      2
     ],
     "destination": [
      "settext",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "settext",
      0
     ],
     "destination": [
      "text",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "more",
      0
     ],
     "destination": [
      "moreroute",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "moreroute",
      0
     ],
     "destination": [
      "moreword",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "moreword",
      0
     ],
     "destination": [
      "pack",
      2
     ]
    }
   }
  ]
 }
}
