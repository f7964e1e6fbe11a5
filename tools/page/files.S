/* The style and the script of report pages (tools/page.c), as they stand in their files. */
    .section .rodata
    .global cnx_page_style
    .global cnx_page_style_end
    .global cnx_page_script
    .global cnx_page_script_end
cnx_page_style:
    .incbin "tools/page/style.css"
cnx_page_style_end:
cnx_page_script:
    .incbin "tools/page/script.js"
cnx_page_script_end:
    .section .note.GNU-stack, "", %progbits
